//! Editing, alternation and `AND` in prompts: equal to an independent reading of AUTOMATIC1111's
//! grammar (`scripts/golden/prompt_schedules.py`), and harmless whatever is written.

use crate::harness::golden;
use darkroom::Error;
use darkroom::text::{Composition, Schedule, Timeline};
use serde_json::Value;
use std::time::Instant;

/// [last step, text] of each text.
fn spans(text: &str, timeline: Timeline) -> Vec<(usize, String)> {
    let schedule = Schedule::read("prompt", text).expect("few brackets");
    let ends = schedule.ends(timeline).into_iter();
    ends.map(|end| (end, schedule.at(end, timeline))).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn schedules_are_the_grammars() {
    let goldens = golden::json("prompt_schedules.json");
    let (mut count, mut changing) = (0, 0);
    for case in golden::list(&goldens, "schedules") {
        let prompt = text(&case[0]);
        for pass in case[1].as_array().unwrap() {
            let number = |place: usize| pass[place].as_u64().map(|number| number as usize);
            let timeline = Timeline { steps: number(0).unwrap(), first: number(1) };
            let span = |span: &Value| (span[0].as_u64().unwrap() as usize, text(&span[1]).into());
            let wanted: Vec<_> = pass[2].as_array().unwrap().iter().map(span).collect();
            assert_eq!(spans(prompt, timeline), wanted, "{prompt:?} in {timeline:?}");
            changing += usize::from(wanted.len() > 1);
        }
        count += 1;
    }
    assert!(count >= 600 && changing >= 200, "{count} prompts, {changing} schedules that change");
}

#[test]
fn a_step_has_the_text_of_its_span() {
    let timeline = Timeline { steps: 12, first: None };
    for prompt in ["[a:[b|c|]:4] [d:0.5]", "[[a:b:2]:c:9]", "[a|b]"] {
        let schedule = Schedule::read("prompt", prompt).unwrap();
        let ends = schedule.ends(timeline);
        for step in 1..=12 {
            let end = *ends.iter().find(|end| step <= **end).unwrap();
            assert_eq!(schedule.at(step, timeline), schedule.at(end, timeline), "{prompt} {step}");
        }
    }
    // The web UI's first two evaluations are both in step 1.
    assert_eq!([0, 1, 2, 12, 13].map(|i| timeline.step_of(i)), [1, 1, 2, 12, 12]);
}

#[test]
fn parts_are_the_web_uis() {
    let goldens = golden::json("prompt_schedules.json");
    for case in golden::list(&goldens, "parts") {
        let part = |part: &Value| (text(&part[0]).to_owned(), part[1].as_f64().unwrap());
        let wanted: Vec<_> = case[1].as_array().unwrap().iter().map(part).collect();
        let made = Composition::read("prompt", text(&case[0])).unwrap().parts;
        let made: Vec<_> = made.into_iter().map(|part| (part.text, part.weight)).collect();
        assert_eq!(made, wanted, "{:?}", text(&case[0]));
    }
    let usual = |prompt| Composition::read("prompt", prompt).unwrap().weights();
    assert!(usual("a cat").is_empty());
    assert_eq!(usual("a cat :0.5"), [0.5]);
    assert_eq!(usual("a AND b :2"), [1.0, 2.0]);
}

/// The reason why a prompt is refused.
fn refused<T: std::fmt::Debug>(made: darkroom::Result<T>) -> String {
    match made {
        Err(Error::Request { field: "prompt", reason }) => reason,
        other => panic!("expected a refused prompt, got {other:?}"),
    }
}

#[test]
fn hostile_prompts_take_little_time() {
    let timeline = Timeline { steps: 1000, first: None };
    let start = Instant::now();
    for open in ["(", "[", "[a|", "[a:", "([:"] {
        assert!(refused(Schedule::read("prompt", &open.repeat(10_000))).contains("brackets open"));
    }
    let deep = format!("{}x{}", "[[a:".repeat(49), ":3]|b]".repeat(49));
    assert_eq!(spans(&deep, timeline).len(), 1000);
    let many = "[a:b:0.5] [c|d] ) ] : (e:1.2) \\( ".repeat(10_000);
    assert_eq!(spans(&many, Timeline { steps: 4, first: None }).len(), 4);
    for lone in [")", "]", ":", "|", "\\", "\\\n", "()", "[a", "[|]", "[::]", "[a:b:c:"] {
        let text = lone.repeat(50);
        drop(spans(&text, timeline));
        let text = format!("{lone}{}", ") : ] ".repeat(100_000));
        drop(Schedule::read("prompt", &text).unwrap());
    }
    let numbers = format!("[a:b:{}][a:b:1e999][a:b:-1e999][a:b:1e-999]", "9".repeat(100_000));
    assert_eq!(spans(&numbers, timeline), [(1000, "aabb".into())]);
    assert!(refused(Composition::read("prompt", &"a AND ".repeat(10_000))).contains("10001 parts"));
    let weight = format!("a :{}", "9".repeat(400));
    assert!(refused(Composition::read("prompt", &weight)).contains("too large"));
    let spaces = format!("a{}b", " \n".repeat(200_000));
    assert_eq!(Composition::read("prompt", &spaces).unwrap().parts.len(), 1);
    // Seconds in a build without optimisations; a quadratic reader would take minutes.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
