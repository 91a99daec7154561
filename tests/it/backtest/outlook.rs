//! Forecasts in a backtest: read as the API reads them, judged with the couplings of
//! the configuration.

use super::{dustline, file, judged, moves, said, store};

/// Three zones of one station, two of which suffice.
const CONFIG: &str = r#"
data_dir = "data"
[[source]]
name = "city"
url = "mqtt://127.0.0.1:1883"
subscribe = [{ topic = "air/{device}", format = "json", values = { pm2_5 = "/pm2_5" } }]
[[zone]]
id = "seoul"
country = "KR"
time_zone = "Asia/Seoul"
stations = ["s1"]
rulesets = ["kr-emergency"]
[[zone]]
id = "incheon"
country = "KR"
time_zone = "Asia/Seoul"
stations = ["s2"]
rulesets = ["kr-emergency"]
[[zone]]
id = "gyeonggi"
country = "KR"
time_zone = "Asia/Seoul"
stations = ["s3"]
rulesets = ["kr-emergency"]
[[coupling]]
id = "capital"
zones = ["seoul", "incheon", "gyeonggi"]
at_least = 2
"#;

/// More than 75 tomorrow in two of the three.
const TOMORROW: &str = "\
issuer,issued_at,zone,quantity,day,value
nier,2026-01-10T17:00:00+09:00,seoul,pm2_5,2026-01-11,76
nier,2026-01-10T17:00:00+09:00,incheon,pm2_5,2026-01-11,75.1
nier,2026-01-10T17:00:00+09:00,gyeonggi,pm2_5,2026-01-11,40
";

#[test]
fn zones_that_decide_together_do_so_in_a_backtest() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("data")).unwrap();
    // All three from 00 to 20 h of 10 January 2026 in Seoul.
    let hours: &[i64] = &[20; 20];
    let devices = [("s1", hours), ("s2", hours), ("s3", hours)];
    store(&dir.path().join("data"), "2026-01-09T15:00:00Z", &devices);
    let forecasts = file(dir.path(), "tomorrow.csv", TOMORROW);
    let measures = |config: &str| {
        let config = file(dir.path(), "dustline.toml", config);
        let found = judged(&["--config", &config, "--forecasts", &forecasts]);
        let all = moves(&found).into_iter().filter(|m| m.contains("none measures"));
        let zone = |m: String| m.split(' ').next().unwrap().to_owned();
        let mut zones: Vec<String> = all.map(zone).collect();
        zones.sort_unstable();
        zones
    };
    assert_eq!(measures(CONFIG), ["gyeonggi", "incheon", "seoul"]);
    let (alone, _) = CONFIG.split_once("[[coupling]]").unwrap();
    assert_eq!(measures(alone), ["incheon", "seoul"]);
}

#[test]
fn plain_aqi_is_the_index_of_the_country_whose_rules_look_at_it() {
    let dir = tempfile::tempdir().unwrap();
    let hours = "time,station,pm2_5\n2025-01-08T08:00:00Z,s1,20\n2025-01-09T08:00:00Z,s1,20\n";
    let data = file(dir.path(), "quiet.csv", hours);
    // The day is that of Beijing, where the rules are, and the index China's.
    let bulletin = "issuer,issued_at,zone,quantity,day,value\n\
                    cnemc,2025-01-08T17:00,all,aqi,2025-01-09,230\n";
    let forecasts = file(dir.path(), "bulletin.csv", bulletin);
    let args = ["--ruleset", "cn-heavy-pollution", "--data", &data, "--forecasts", &forecasts];
    let found = judged(&args);
    assert_eq!(moves(&found), ["all cn-warning 2025-01-08T09:00:00Z none yellow"]);
    assert_eq!(found["changes"][0]["inputs"][0]["from"], "2025-01-08T16:00:00Z");
    let both = [&["backtest", "--ruleset", "kr-emergency"], &args[..]].concat();
    let told = said(&dustline(&both).stderr);
    assert!(told.contains("country has no index"), "rules of two countries: {told}");
}
