//! What the page says, in the languages of its readers.

use crate::air::Names;
use crate::air::place::Language;

fn names(ko: &str, zh: &str, en: &str) -> Names {
    Names { ko: Some(ko.to_owned()), zh: Some(zh.to_owned()), en: Some(en.to_owned()) }
}

/// What a change does not mean.
pub(super) fn caution() -> Names {
    names(
        "이 관측망의 자료가 기준을 충족했다는 뜻이며, 관계 기관의 공식 발령이나 해제가 아닙니다.",
        "仅表示本网络的数据符合该标准，并非主管部门的正式发布或解除。",
        "This says that this network's data met a criterion. It is no official proclamation by an authority.",
    )
}

/// The level below all others.
pub(super) fn none() -> Names {
    names("없음", "无", "none")
}

/// A level that no ruleset names: that of a threshold, or of a version that the
/// configuration no longer has.
pub(super) fn level(name: &str) -> Names {
    match name {
        "emergency" => names("긴급", "紧急", "emergency"),
        "warning" => names("경보", "警报", "warning"),
        "advisory" => names("주의보", "注意报", "advisory"),
        other => Names::plain(other),
    }
}

/// The titles of a table of inputs: what, value, time, from where.
pub(super) fn inputs(language: Language) -> [&'static str; 4] {
    match language {
        Language::Ko => ["자료", "값", "시각", "출처"],
        Language::Zh => ["依据", "数值", "时间", "来源"],
        Language::En => ["Input", "Value", "Time", "From"],
    }
}

pub(super) fn reading() -> Names {
    names("측정값", "测量值", "reading")
}

pub(super) fn forecast() -> Names {
    names("예보", "预报", "forecast")
}

pub(super) fn issued(at: &str) -> Names {
    names(&format!("{at} 발표"), &format!("{at} 发布"), &format!("issued {at}"))
}

pub(super) fn since(at: &str) -> Names {
    names(&format!("{at}부터"), &format!("自 {at} 起"), &format!("since {at}"))
}

pub(super) fn level_of() -> Names {
    names("발령 기준 단계", "已达级别", "level of")
}

pub(super) fn zones() -> Names {
    names("연계 권역", "联动区域", "zones that decide together")
}

pub(super) fn at_least(zones: u32) -> Names {
    names(
        &format!("{zones}곳 이상 필요"),
        &format!("至少需要 {zones} 个"),
        &format!("at least {zones} needed"),
    )
}

pub(super) fn station() -> Names {
    names("측정소 평균", "站点均值", "mean of the station")
}

/// What an issuer says brings it, by its name in the data.
pub(super) fn cause(name: &str) -> Names {
    match name {
        "dust" => names("황사", "沙尘", "dust"),
        "wildfire" => names("산불", "山火", "wildfire"),
        other => Names::plain(other),
    }
}

/// The words of the page in one language.
pub(super) struct Words {
    pub explained: &'static str,
    pub met: &'static str,
    pub exercise: &'static str,
    pub late: &'static str,
    pub what: &'static str,
    pub criterion: &'static str,
    pub value: &'static str,
    pub foretold: &'static str,
    pub met_at: &'static str,
    pub decided_at: &'static str,
    pub in_force: &'static str,
    pub cause: &'static str,
    pub remark: &'static str,
    pub seasons: &'static str,
    pub rests_on: &'static str,
    pub station: &'static str,
    pub zone_mean: &'static str,
    pub counted: &'static str,
    pub moved: &'static str,
    pub too_little: &'static str,
    pub left_out: &'static str,
    pub missing: &'static str,
    pub further: &'static str,
    pub key: &'static str,
    pub quality: &'static str,
    pub rules: &'static str,
    pub version: &'static str,
    pub source: &'static str,
    pub links: &'static str,
    pub sure: &'static str,
    pub note: &'static str,
    pub force: &'static str,
    pub no_end: &'static str,
    pub own_threshold: &'static str,
    pub unknown_rules: &'static str,
    pub around: &'static str,
    pub before: &'static str,
    pub after: &'static str,
    pub nothing: &'static str,
    pub told: &'static str,
    pub receiver: &'static str,
    pub state: &'static str,
    pub attempts: &'static str,
    pub when: &'static str,
    pub nobody: &'static str,
    pub pending: &'static str,
    pub delivered: &'static str,
    pub dead: &'static str,
    pub read_in_source: &'static str,
    pub widely_reported: &'static str,
    pub from_memory: &'static str,
    pub as_data: &'static str,
}

impl Words {
    /// The words of a language.
    pub(super) fn of(language: Language) -> &'static Words {
        match language {
            Language::Ko => &KO,
            Language::Zh => &ZH,
            Language::En => &EN,
        }
    }
}

const EN: Words = Words {
    explained: "A change of level, explained",
    met: "criterion met",
    exercise: "EXERCISE",
    late: "Judged again with data that came late.",
    what: "What happened",
    criterion: "Criterion",
    value: "Value",
    foretold: "Forecast value",
    met_at: "Met at",
    decided_at: "Found at",
    in_force: "In force",
    cause: "Cause",
    remark: "Remark",
    seasons: "Season",
    rests_on: "What it rests on",
    station: "Station",
    zone_mean: "Zone mean, as judged",
    counted: "Stations counted",
    moved: "as kept now, after late data",
    too_little: "too little of the hour",
    left_out: "left out: far from the other stations",
    missing: "missing",
    further: "further stations are not listed",
    key: "Hourly means; beside them how much of the hour was covered and, if any, how many readings quality control set aside. Struck-out means did not count.",
    quality: "Only readings that passed quality control count.",
    rules: "The rules",
    version: "Version",
    source: "Legal source",
    links: "Read at",
    sure: "How sure",
    note: "Note",
    force: "In force",
    no_end: "no end known",
    own_threshold: "A threshold of this network's operator, not an official rule.",
    unknown_rules: "The configuration no longer has this version of the rules. The criterion above is as it was recorded.",
    around: "Before and after",
    before: "Before",
    after: "After",
    nothing: "nothing on record",
    told: "Who was told",
    receiver: "Receiver",
    state: "State",
    attempts: "Attempts",
    when: "When",
    nobody: "No receiver asked for changes of this zone, or it lies in the past.",
    pending: "not yet taken",
    delivered: "delivered",
    dead: "given up",
    read_in_source: "read in the source",
    widely_reported: "widely reported",
    from_memory: "from memory: check before relying on it",
    as_data: "The same as data",
};

const KO: Words = Words {
    explained: "단계 변경 설명",
    met: "기준 충족",
    exercise: "훈련",
    late: "늦게 도착한 자료로 다시 판정한 결과입니다.",
    what: "변경 내용",
    criterion: "기준",
    value: "값",
    foretold: "예보값",
    met_at: "기준 충족 시각",
    decided_at: "확인 시각",
    in_force: "적용 기간",
    cause: "원인",
    remark: "비고",
    seasons: "기간",
    rests_on: "판정 근거",
    station: "측정소",
    zone_mean: "판정 당시 권역 평균",
    counted: "유효 측정소",
    moved: "늦게 도착한 자료 반영 후 현재 값",
    too_little: "유효 시간 부족",
    left_out: "다른 측정소와 차이가 커서 제외",
    missing: "자료 없음",
    further: "개 측정소는 표시하지 않음",
    key: "시간평균값이며, 옆에는 자료가 있는 시간의 비율과 품질검사에서 제외된 측정값 수를 표시합니다. 취소선이 있는 값은 판정에 쓰이지 않았습니다.",
    quality: "품질검사를 통과한 측정값만 판정에 쓰입니다.",
    rules: "적용 규정",
    version: "판본",
    source: "법적 근거",
    links: "출처",
    sure: "확실성",
    note: "참고",
    force: "시행 기간",
    no_end: "종료일 미정",
    own_threshold: "공식 규정이 아니라 이 관측망 운영자가 정한 임계값입니다.",
    unknown_rules: "현재 설정에는 이 판본이 없습니다. 위의 기준은 판정 당시 기록된 것입니다.",
    around: "이전과 이후",
    before: "이전",
    after: "이후",
    nothing: "기록 없음",
    told: "통지 현황",
    receiver: "수신처",
    state: "상태",
    attempts: "시도",
    when: "시각",
    nobody: "이 권역의 변경을 받는 수신처가 없거나 지난 시간에 대한 변경입니다.",
    pending: "전송 대기",
    delivered: "전송 완료",
    dead: "전송 포기",
    read_in_source: "원문 확인",
    widely_reported: "널리 보도됨",
    from_memory: "미확인: 사용 전 확인 필요",
    as_data: "데이터로 보기",
};

const ZH: Words = Words {
    explained: "级别变化说明",
    met: "达到标准",
    exercise: "演习",
    late: "根据迟到的数据重新判定。",
    what: "变化内容",
    criterion: "标准",
    value: "数值",
    foretold: "预报值",
    met_at: "达标时间",
    decided_at: "确认时间",
    in_force: "有效期",
    cause: "成因",
    remark: "备注",
    seasons: "时期",
    rests_on: "判定依据",
    station: "站点",
    zone_mean: "判定时的区域均值",
    counted: "有效站点",
    moved: "计入迟到数据后的现值",
    too_little: "有效时间不足",
    left_out: "与其他站点相差很大，未计入",
    missing: "无数据",
    further: "个站点未列出",
    key: "表中为小时均值，旁边为该小时的数据覆盖率以及质量控制剔除的读数个数。带删除线的值未计入判定。",
    quality: "只有通过质量控制的读数才计入判定。",
    rules: "适用规则",
    version: "版本",
    source: "法律依据",
    links: "出处",
    sure: "可信程度",
    note: "说明",
    force: "施行时间",
    no_end: "无终止日期",
    own_threshold: "这是本网络运营者自设的阈值，并非官方规定。",
    unknown_rules: "当前配置已没有该版本的规则。上述标准为判定时的记录。",
    around: "前后变化",
    before: "之前",
    after: "之后",
    nothing: "无记录",
    told: "通知情况",
    receiver: "接收方",
    state: "状态",
    attempts: "次数",
    when: "时间",
    nobody: "没有接收方订阅该区域的变化，或该变化属于过去时段。",
    pending: "等待发送",
    delivered: "已送达",
    dead: "已放弃",
    read_in_source: "已核对原文",
    widely_reported: "多方报道",
    from_memory: "未经核实：使用前请确认",
    as_data: "查看数据",
};
