//! Options of the service: what is kept, what is written, what the log has.

use super::service::Service;
use crate::made_up::scratch;
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};

#[test]
fn every_picture_is_written_where_that_is_asked_for() {
    let folder = scratch("serve-saved");
    let place = folder.join("new/pictures");
    let service = Service::start(&["--save-to", place.to_str().unwrap()]);
    let id = service.job(&json!({ "prompt": "a" }));
    service.until(&id, &["done"]);
    let made = service.get(&format!("/api/jobs/{id}/picture")).body;
    assert!(fs::read(place.join(format!("{id}-000.png"))).unwrap() == made);
    let two = json!({ "prompt": "a", "n": 2, "size": "64x64" });
    assert_eq!(service.post("/v1/images/generations", &two).status, 200);
    let web = json!({ "prompt": "a", "save_images": true });
    assert_eq!(service.post("/sdapi/v1/txt2img", &web).status, 200);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 4);
    drop(service);
    fs::remove_dir_all(folder).unwrap();
    // Without it none is, and what asks for it is told.
    let told = Service::start(&[]).post("/sdapi/v1/txt2img", &web);
    assert!(told.json()["warnings"][0].as_str().unwrap().starts_with("save_images: nothing was"));
}

/// A prompt that is cut, which a notice quotes.
#[test]
fn prompts_are_in_the_log_where_that_is_asked_for() {
    let folder = scratch("serve-log");
    let log = folder.join("log");
    let prompt = format!("a secretcat {}", "\n and a redcat, ".repeat(60));
    for (more, wanted) in [(&[][..], false), (&["--log-prompts"], true)] {
        let service = Service::logged(more, &log);
        let asked = json!({ "prompt": prompt, "negative_prompt": "a bluedog" });
        let id = service.job(&asked);
        let done = service.until(&id, &["done"]);
        assert!(done["notices"][0].as_str().unwrap().contains("redcat"), "{done}");
        let web = json!({ "prompt": "a greencat", "steps": "many" });
        assert_eq!(service.post("/sdapi/v1/txt2img", &web).status, 422);
        let web = json!({ "prompt": "a greencat" });
        assert_eq!(service.post("/sdapi/v1/txt2img", &web).status, 200);
        drop(service);
        let text = fs::read_to_string(&log).unwrap();
        assert!(text.contains("POST /api/jobs 202"), "{text}");
        assert!(!text.contains("\n and"), "a line break of a prompt is quoted: {text}");
        for word in ["secretcat", "redcat", "bluedog", "greencat"] {
            assert_eq!(text.contains(word), wanted, "{word}: {text}");
        }
    }
    fs::remove_dir_all(folder).unwrap();
}

/// Makes a picture, and waits until it is finished.
fn done(service: &Service) -> String {
    let id = service.job(&json!({ "prompt": "a", "steps": 1 }));
    service.until(&id, &["done"]);
    id
}

#[test]
fn as_many_jobs_are_kept_as_were_asked_for() {
    let service = Service::start(&["--keep", "2"]);
    assert_eq!(service.get("/api/capabilities").json()["keep"], 2);
    let status = |id: &str| service.get(&format!("/api/jobs/{id}")).status;
    let [first, second] = [done(&service), done(&service)];
    assert_eq!(service.get(&format!("/api/jobs/{second}/picture")).status, 200);
    // One that was fetched goes before an older one.
    let third = done(&service);
    assert_eq!([&first, &second, &third].map(|id| status(id)), [200, 404, 200]);
    let fourth = done(&service);
    assert_eq!([&first, &third, &fourth].map(|id| status(id)), [404, 200, 200]);
}

#[test]
fn pictures_are_kept_up_to_a_size() {
    let service = Service::start(&["--keep-mb", "0"]);
    let id = service.job(&json!({ "prompt": "a", "steps": 50 }));
    let start = Instant::now();
    // It waits and is in work, but its picture is too large to be kept.
    assert_eq!(service.get(&format!("/api/jobs/{id}")).status, 200);
    while service.get(&format!("/api/jobs/{id}")).status == 200 {
        assert!(start.elapsed() < Duration::from_secs(20), "it is kept");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(service.get(&format!("/api/jobs/{id}/picture")).status, 404);
    assert_eq!(service.get("/api/capabilities").json()["queue"]["running"], 0);
}
