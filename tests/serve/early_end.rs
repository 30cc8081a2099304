//! Pictures that are ended early by AUTOMATIC1111's API, and the events of a job on its way.

use super::service::{Answer, Service};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use darkroom::image::png;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::time::Duration;

/// Asks for pictures, and ends them so once a step is done.
fn ended(service: &Service, path: &str, pictures: u32) -> Answer {
    let asked = json!({ "prompt": "a", "steps": 60, "n_iter": pictures, "seed": 7 });
    let progress = || service.get("/sdapi/v1/progress").json();
    std::thread::scope(|scope| {
        let client = scope.spawn(|| service.post("/sdapi/v1/txt2img", &asked));
        while progress()["progress"] == 0.0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(service.ask(&format!("POST {path}"), "", b"").status, 200);
        client.join().unwrap()
    })
}

/// The text in each picture of an answer.
fn infotexts(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.json());
    let images = answer.json()["images"].as_array().unwrap().clone();
    let read = |image: &Value| {
        let file = STANDARD.decode(image.as_str().unwrap()).unwrap();
        png::decode("a", &file).unwrap().text(png::PARAMETERS).unwrap().to_owned()
    };
    images.iter().map(read).collect()
}

#[test]
fn an_interrupted_request_is_answered_with_what_there_is() {
    let service = Service::start(&[]);
    let answer = ended(&service, "/sdapi/v1/interrupt", 3);
    let texts = infotexts(&answer);
    assert_eq!(texts.len(), 1);
    assert!(texts[0].contains("Ended early: after step "), "{}", texts[0]);
    let info: Value = serde_json::from_str(answer.json()["info"].as_str().unwrap()).unwrap();
    assert!(info["notices"][0][0].as_str().unwrap().contains("ended after step"), "{info}");
    // The next one is whole.
    let next = service.post("/sdapi/v1/txt2img", &json!({ "prompt": "a", "steps": 2 }));
    assert!(!infotexts(&next)[0].contains("Ended early"));
    // With no picture in work, or one of another API, nothing happens.
    let id = service.job(&json!({ "prompt": "a", "steps": 60 }));
    service.until(&id, &["running"]);
    assert_eq!(service.ask("POST /sdapi/v1/interrupt", "", b"").status, 200);
    assert_eq!(service.until(&id, &["done"])["notices"], json!([]));
}

#[test]
fn a_skipped_picture_is_followed_by_the_others() {
    let service = Service::start(&[]);
    let answer = ended(&service, "/sdapi/v1/skip", 2);
    let texts = infotexts(&answer);
    let early: Vec<_> = texts.iter().map(|text| text.contains("Ended early")).collect();
    assert_eq!(early, [true, false]);
}

#[test]
fn events_come_while_a_job_is_made() {
    let service = Service::start(&[]);
    let id = service.job(&json!({ "prompt": "a", "steps": 500 }));
    let head = format!("GET /api/jobs/{id}/events HTTP/1.1\r\nHost: localhost\r\n");
    let stream = service.open(&format!("{head}Connection: close\r\n\r\n"));
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let mut events = lines.filter_map(|line| {
        let data = line.strip_prefix("data: ")?.to_owned();
        Some(serde_json::from_str::<Value>(&data).unwrap())
    });
    let steps: Vec<_> = events
        .by_ref()
        .filter(|event| event["status"] == "running" && event["steps"] == 500)
        .map(|event| event["step"].as_u64().unwrap())
        .take(3)
        .collect();
    assert!(steps.is_sorted() && steps[0] < steps[2] && steps[2] < 500, "{steps:?}");
    assert_eq!(service.ask(&format!("DELETE /api/jobs/{id}"), "", b"").status, 204);
    assert_eq!(events.last().unwrap()["status"], "cancelled");
}
