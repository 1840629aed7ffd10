//! The server as a process: what it logs, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

fn uitpas(home: &TempDir) -> Command {
    let data: PathBuf = home.path().join("data");
    let mut command = Command::new(env!("CARGO_BIN_EXE_uitpas"));
    command.env_remove("DATABASE_URL").env_remove("UITPAS_MASTER_KEY").env_remove("RUST_LOG");
    command.arg("--data").arg(data);
    command
}

/// What is logged: of ours, and of what a request goes through on its way, all that there is.
const LEVELS: &str = "info,uitpas=trace,axum=trace,tower_http=trace";

struct Server {
    child: Child,
    log: BufReader<ChildStderr>,
    address: String,
}

impl Server {
    fn start(home: &TempDir) -> Self {
        let mut command = uitpas(home);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]);
        let mut child =
            command.env("RUST_LOG", LEVELS).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut log = BufReader::new(child.stderr.take().expect("a log"));
        let mut line = String::new();
        while !line.contains("listening on") {
            line.clear();
            assert!(log.read_line(&mut line).expect("text") > 0, "it ended");
        }
        let address = line.trim().rsplit("http://").next().expect("an address").to_owned();
        Self { child, log, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket");
        stream
    }

    fn tell_to_end(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
    }

    /// The exit code, and what was logged.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.log.read_to_string(&mut log).expect("text");
        (self.child.wait().expect("an end").code(), log)
    }
}

fn token(home: &TempDir) -> String {
    assert!(uitpas(home).arg("migrate").output().expect("it runs").status.success());
    let ran = uitpas(home).args(["token", "eigenaar", "--kind", "system-owner"]).output();
    let ran = ran.expect("it runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).expect("UTF-8").trim().to_owned()
}

/// Told to end, the server takes no more, finishes what it accepted, and ends well.
#[test]
fn what_was_accepted_is_finished_before_the_end() {
    let home = tempfile::Builder::new().prefix("uitpas-serve-").tempdir().expect("a directory");
    let token = token(&home);
    let server = Server::start(&home);
    let body =
        r#"{"name":"UiTPAS Meerdal","municipalities":[{"postalCode":"9981","name":"Meerdal"}]}"#;
    let (first, rest) = body.split_at(20);
    let mut stream = server.connect();
    write!(
        stream,
        "PUT /admin/v1/card-systems/7 HTTP/1.1\r\nhost: uitpas\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{first}",
        body.len()
    )
    .expect("it is sent");
    // An answer to somebody else: by then this request was taken in too.
    let mut other = server.connect();
    other
        .write_all(b"GET /health HTTP/1.1\r\nhost: uitpas\r\nconnection: close\r\n\r\n")
        .expect("sent");
    let mut health = String::new();
    other.read_to_string(&mut health).expect("an answer");
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");

    server.tell_to_end();
    let began = Instant::now();
    while TcpStream::connect(&server.address).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(20), "it goes on taking connections");
        std::thread::yield_now();
    }
    stream.write_all(rest.as_bytes()).expect("the rest is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    let (code, log) = server.ended();
    assert_eq!(code, Some(0), "{log}");
}

/// R-PRV-02: the log of requests is of JSON lines where that is asked, and says routes, not addresses.
#[test]
fn the_log_of_requests_tells_nothing_of_a_person() {
    let home = tempfile::Builder::new().prefix("uitpas-serve-").tempdir().expect("a directory");
    let token = token(&home);
    let server = Server::start(&home);
    let personal = ["90072110045", "Wolkenstein", "wolkenstein@post.example"];
    let body = |field: &str, word: &str| format!(r#"{{"{field}":{{"is":"{word}"}},"name":7}}"#);
    for (request, body) in [
        (format!("GET /v4/passes?identifier={}", personal[0]), String::new()),
        (format!("GET /v4/passholders?name={}&email={}", personal[1], personal[2]), String::new()),
        (format!("GET /v4/{}", personal[0]), String::new()),
        (format!("GET /v4/passholders/{}", personal[1]), String::new()),
        ("POST /v4/passholders".to_owned(), body("email", personal[2])),
        ("POST /v4/passholders".to_owned(), body(personal[1], personal[0])),
        ("POST /v4/passholders".to_owned(), personal[1].to_owned()),
    ] {
        let mut stream = server.connect();
        write!(
            stream,
            "{request} HTTP/1.1\r\nhost: uitpas\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
        .expect("it is sent");
        stream.read_to_string(&mut String::new()).expect("an answer");
    }
    server.tell_to_end();
    let (_, log) = server.ended();
    let lines: Vec<Value> = log
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let answered: Vec<_> = lines.iter().filter(|line| line["message"] == "answered").collect();
    assert_eq!(answered.len(), 7, "{log}");
    let of_passes = answered.iter().find(|line| line["span"]["route"] == "/v4/passes");
    let of_passes = of_passes.unwrap_or_else(|| panic!("{log}"));
    assert!(of_passes["status"].is_u64() && of_passes["span"]["id"].is_string(), "{of_passes}");
    for word in personal {
        assert!(!log.contains(word), "{word} in {log}");
    }
    assert!(!log.contains(&token));
}
