//! What officials read, word by word.

use super::*;
use crate::air::place::Language;

/// The notice of the last entry of a story to a party, in a language.
fn notice(told: &Told, party: &str, language: Language) -> String {
    let words = Words { language, time_zone: language.time_zone(), plan: told.hotline.plan() };
    words.notice(told.incident(), &told.recorded.last().unwrap().entry, party)
}

fn all(told: &Told, party: &str) -> [String; 3] {
    Language::ALL.map(|language| notice(told, party, language))
}

#[test]
fn a_warning_is_told_by_names_with_its_criterion_and_what_is_asked_by_when() {
    let expected = [
        "핫라인 사건 2022-0001, 초미세먼지(PM2.5) 경보 단계: 사건 개시. 서울: 초미세먼지(PM2.5) 경보 기준 충족, 측정값 81.84 µg/m³, 충족 시각 2022-01-08 09:00 (기준: 초미세먼지(PM2.5) 경보, hourly zone mean); 수신 확인 기한: 환경부 2022-01-08 09:15, 중국 생태환경부 2022-01-08 09:15. 귀측(환경부) 요청 사항: 2022-01-08 09:15까지 수신 확인. 시각은 한국 표준시(Asia/Seoul) 기준. 이 관측망의 자료가 기준을 충족했다는 뜻이며, 관계 기관의 공식 발령이나 해제가 아님.",
        "热线事件 2022-0001，细颗粒物（PM2.5）警报级别：事件启动。首尔：细颗粒物（PM2.5）达到警报标准，测量值 81.84 µg/m³，达标时间 2022-01-08 08:00（标准：韩国细颗粒物（PM2.5）警报，hourly zone mean）；确认收悉期限：韩国环境部 2022-01-08 08:15、生态环境部 2022-01-08 08:15。请贵方（韩国环境部）于 2022-01-08 08:15 前确认收悉。以上时间均为北京时间（Asia/Shanghai）。仅表示本网络的数据符合该标准，并非主管部门的正式发布或解除。",
        "Hotline incident 2022-0001, PM2.5 at warning level: incident opened. Seoul: criterion of the PM2.5 warning met, value 81.84 µg/m³, at 2022-01-08 00:00 (Korean fine dust (PM2.5) alert: hourly zone mean); to be acknowledged by: Ministry of Environment 2022-01-08 00:15, Ministry of Ecology and Environment 2022-01-08 00:15. Ministry of Environment is asked to acknowledge by 2022-01-08 00:15. All times are UTC. This says that this network's data meet a criterion; it is no official proclamation by an authority.",
    ];
    assert_eq!(all(&warned(at(0)), "KR"), expected);
}

#[test]
fn a_deadline_that_has_passed_is_said_and_the_rest_is_asked_at_once() {
    let mut told = warned(at(0));
    told.wait_until(at(16));
    assert_eq!(kinds(&told.recorded).last(), Some(&"overdue"));
    let [ko, zh, en] = all(&told, "CN");
    let asked =
        "귀측(중국 생태환경부) 요청 사항: 기한(2022-01-08 09:15)이 지났으므로 즉시 수신 확인. ";
    assert!(ko.contains(asked), "{ko}");
    assert!(
        zh.contains("期限（2022-01-08 08:15）已过，请贵方（生态环境部）立即确认收悉。"),
        "{zh}"
    );
    assert!(
        en.contains("The deadline 2022-01-08 00:15 has passed: Ministry of Ecology and Environment is asked to acknowledge at once. "),
        "{en}"
    );
    assert!(!en.contains("proclamation"), "nothing of the air is told: {en}");
}

#[test]
fn what_is_lifted_is_told_as_lifted_and_asks_for_agreement() {
    let mut told = warned(at(0));
    for party in ["KR", "CN"] {
        told.does(&acknowledge(party), at(1));
    }
    told.does(&changed("seoul", "warning", NONE, at(60)), at(60));
    told.wait_until(at(130));
    let [ko, zh, en] = all(&told, "CN");
    assert!(
        ko.starts_with("핫라인 사건 2022-0001, 초미세먼지(PM2.5) 단계 해제: 단계 변경. 경보 → 해제, 모든 당사자가 동의하면 종료 가능. 귀측(중국 생태환경부) 요청 사항: 사건 종료에 동의. "),
        "{ko}"
    );
    assert!(
        zh.starts_with("热线事件 2022-0001，细颗粒物（PM2.5）级别已解除：级别变更。警报 → 解除，各方同意后可以结束。请贵方（生态环境部）同意结束本事件。"),
        "{zh}"
    );
    assert!(
        en.starts_with("Hotline incident 2022-0001, PM2.5, level lifted: change of level. Warning → lifted, can be closed when all parties agree. Ministry of Ecology and Environment is asked to agree to close the incident. "),
        "{en}"
    );
}

#[test]
fn an_incident_opened_by_hand_says_why_and_nothing_of_levels() {
    let mut told = Told::new(plan());
    told.does(&open_by_hand(operator(), false), at(0));
    let en = notice(&told, "KR", Language::En);
    let start = "Hotline incident 2022-0001, PM2.5: operator — incident opened. Yellow dust is expected; to be acknowledged by: ";
    assert!(en.starts_with(start), "{en}");
    assert!(!en.contains("proclamation"), "{en}");
}

#[test]
fn places_and_groups_without_a_name_are_told_by_their_ids() {
    let plan = Plan { names: Default::default(), ..plan() };
    let words = Words { language: Language::Zh, time_zone: Language::Zh.time_zone(), plan: &plan };
    assert_eq!(words.place(&Scope::Zone("seoul".into())), "seoul");
    assert_eq!(words.group("seoul"), "seoul");
    assert_eq!(words.group("all"), "全部区域");
    assert_eq!(words.cause("haze"), "haze");
    assert_eq!(words.cause("pm10"), "可吸入颗粒物（PM10）");
}

#[test]
fn receivers_are_told_by_their_names_and_those_without_by_their_ids() {
    let director = ("cn-director".to_owned(), names(("대기국장", "大气司司长", "Air Director")));
    let plan = Plan { receivers: [director].into(), ..plan() };
    let words = |language| Words { language, time_zone: jiff::tz::TimeZone::UTC, plan: &plan };
    let receivers = vec!["cn-director".to_owned(), "cn-desk".to_owned()];
    let called = What::Escalated { due: at(15), party: "CN".into(), receivers, step: 2 };
    let proof = Proof {
        answer: None,
        at: at(16),
        notice: String::new(),
        of: 3,
        party: "CN".to_owned(),
        receiver: "cn-director".to_owned(),
        status: 204,
    };
    let told = [&called, &What::Delivered(proof)]
        .map(|what| Language::ALL.map(|language| words(language).detail(what)));
    let expected = [
        [
            "중국 생태환경부 미확인, 2단계 수신처 통보: 대기국장, cn-desk",
            "生态环境部尚未确认，通知第 2 级接收方：大气司司长、cn-desk",
            "Ministry of Ecology and Environment has not acknowledged, step 2 is called: Air Director, cn-desk",
        ],
        [
            "대기국장 (중국 생태환경부), 기록 3, 응답 204",
            "大气司司长（生态环境部），记录 3，应答 204",
            "Air Director (Ministry of Ecology and Environment), entry 3, answer 204",
        ],
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_stands_already_when_an_incident_opens_is_told_by_names() {
    let mut told = Told::new(plan());
    told.does(&changed("seoul", NONE, "advisory", at(0)), at(0));
    told.does(&changed("shandong", "advisory", "warning", at(60)), at(60));
    let [ko, zh, en] = all(&told, "KR");
    assert!(ko.contains("; 이미 기준 충족: 서울 주의보; "), "{ko}");
    assert!(zh.contains("；此前已达标：首尔 注意报；"), "{zh}");
    assert!(en.contains("; standing already: Seoul advisory; "), "{en}");
}
