//! The load: so many connections, each with one request in flight at most. HTTP/1.1 by hand on TLS, so that it takes little of the cores
//! that it shares with what it measures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use types::Entropy as _;
use vault::SystemEntropy;

use super::pace::Pace;
use super::usage;
use crate::cli::BenchLoadArgs;
use crate::fault::{Fault, Tried as _};

/// Every run offers the same times.
const SEED: u64 = 2003;

/// What became of the requests of one connection.
#[derive(Default)]
struct Told {
    /// Microseconds of each payment that was made, from the time at which it ought to have been sent.
    micros: Vec<u32>,
    /// Turned away with 503 and `Retry-After`.
    busy: u64,
    /// Answered with anything else.
    refused: u64,
    /// Sent, and the connection ended.
    unanswered: u64,
    /// The payments that were made, each behind its merchant.
    ids: Vec<String>,
}

/// Prints one line of JSON.
pub async fn run(args: BenchLoadArgs) -> Result<(), Fault> {
    let text = std::fs::read_to_string(&args.merchants).tried("cannot read the merchants")?;
    let merchants: Vec<Value> =
        text.lines().map(serde_json::from_str).collect::<Result<_, _>>().tried("merchants")?;
    let (merchants, connector) = (Arc::new(merchants), connector(&args)?);
    let mut connecting = JoinSet::new();
    for lane in 0..args.in_flight {
        let connector = connector.clone();
        connecting
            .spawn(async move { Ok::<_, std::io::Error>((lane, connect(args.port, &connector).await?)) });
    }
    let mut connected = Vec::new();
    while let Some(lane) = connecting.join_next().await {
        connected.push(lane.tried("a connection's task")?.tried("a connection")?);
    }
    let long = Duration::from_millis(args.milliseconds);
    let pace = match args.rate {
        Some(rate) => Pace::open(rate, long, SEED).tried("the pace's thread")?,
        None => Pace::closed(long),
    };
    let (pace, started) = (Arc::new(pace), Instant::now());
    let mut lanes = JoinSet::new();
    for (lane, stream) in connected {
        lanes.spawn(drive(stream, Arc::clone(&pace), Arc::clone(&merchants), lane));
    }
    let mut all = Told::default();
    while let Some(lane) = lanes.join_next().await {
        let told = lane.tried("a connection's task")?;
        all.micros.extend(told.micros);
        all.ids.extend(told.ids);
        all.busy += told.busy;
        all.refused += told.refused;
        all.unanswered += told.unanswered;
    }
    let seconds = started.elapsed().as_secs_f64();
    if let Some(file) = &args.acknowledged {
        std::fs::write(file, all.ids.join("\n")).tried("cannot write what was acknowledged")?;
    }
    let paid = all.micros.len() as f64;
    let mut report = report(all, seconds, pace.dropped());
    report["load_cpu_us"] = json!(usage::cpu_us("self") / paid);
    println!("{report}");
    Ok(())
}

fn report(mut told: Told, seconds: f64, dropped: u64) -> Value {
    told.micros.sort_unstable();
    let at = |share: f64| {
        let place = ((told.micros.len() as f64 * share) as usize).min(told.micros.len().saturating_sub(1));
        told.micros.get(place).map(|micros| f64::from(*micros) / 1_000.0)
    };
    json!({
        "answered": told.micros.len(), "busy": told.busy, "refused": told.refused, "unanswered": told.unanswered,
        "dropped": dropped, "per_s": told.micros.len() as f64 / seconds,
        "p50_ms": at(0.5), "p99_ms": at(0.99), "p999_ms": at(0.999), "max_ms": at(1.0),
    })
}

fn connector(args: &BenchLoadArgs) -> Result<TlsConnector, Fault> {
    let mut roots = rustls::RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(&args.tls_certificate).tried("the TLS certificate")?;
    roots.add(certificate).tried("the TLS certificate")?;
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

type Stream = tokio_rustls::client::TlsStream<TcpStream>;

async fn connect(port: u16, connector: &TlsConnector) -> std::io::Result<Stream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let name = ServerName::try_from("localhost").map_err(std::io::Error::other)?;
    connector.connect(name, stream).await
}

/// One connection, until there is nothing more to send or it ends.
async fn drive(mut stream: Stream, pace: Arc<Pace>, merchants: Arc<Vec<Value>>, lane: usize) -> Told {
    let run = SystemEntropy.u128();
    let (mut told, mut buffer) = (Told::default(), Vec::new());
    for number in 0u64.. {
        let Some(start) = pace.next().await else { break };
        let merchant = &merchants[(lane + number as usize * 31) % merchants.len()];
        let request = request(merchant, &format!("{run:032x}-{number}"));
        let answered = async {
            stream.write_all(request.as_bytes()).await?;
            answer(&mut stream, &mut buffer).await
        };
        let status = answered.await;
        let micros = start.elapsed().as_micros().min(u128::from(u32::MAX)) as u32;
        match (status, id(&buffer)) {
            // Without an id nobody could ask for the payment, so it would not count as made.
            (Ok(201), Some(id)) => {
                told.micros.push(micros);
                let merchant = merchant["merchant"].as_str().unwrap_or_default();
                told.ids.push(format!("{merchant} {id}"));
            }
            (Ok(503), _) if text(&buffer).contains("\r\nretry-after: ") => told.busy += 1,
            (Ok(_), _) => told.refused += 1,
            (Err(_), _) => {
                told.unanswered += 1;
                break;
            }
        }
    }
    told
}

fn text(answer: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(answer)
}

/// The payment's id. (A header names it too.)
fn id(answer: &[u8]) -> Option<&str> {
    const NAME: &[u8] = b"\"id\":\"pay_";
    let begin = answer.windows(NAME.len()).position(|bytes| bytes == NAME)? + NAME.len() - b"pay_".len();
    let end = answer[begin..].iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(&answer[begin..begin + end]).ok()
}

fn request(merchant: &Value, key: &str) -> String {
    let (secret, method) = (&merchant["secret_key"], &merchant["payment_methods"][0]);
    let (secret, method) = (secret.as_str().unwrap_or_default(), method.as_str().unwrap_or_default());
    let body =
        format!(r#"{{"amount": 1250, "currency": "EUR", "confirm": true, "payment_method": "{method}"}}"#);
    format!(
        "POST /v1/payments HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\nIdempotency-Key: {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads one whole answer and returns its status.
async fn answer(
    stream: &mut (impl tokio::io::AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> std::io::Result<u16> {
    buffer.clear();
    loop {
        if let Some((status, length)) = head(buffer)
            && buffer.len() >= length
        {
            return Ok(status);
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Status, and length of head and body together, once the head is there.
fn head(bytes: &[u8]) -> Option<(u16, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..end]).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some((status, end + length.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_payments_own() {
        let answer =
            b"location: /v1/payments/pay_1\r\n\r\n{\"object\":\"payment\",\"id\":\"pay_2\",\"amount\":1}";
        assert_eq!(id(answer), Some("pay_2"));
        assert_eq!(id(b"HTTP/1.1 201 Created"), None);
    }

    #[tokio::test]
    async fn an_answer_is_read_to_its_end_however_it_comes() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello".to_vec();
        assert_eq!(head(&whole), Some((201, whole.len())));
        assert_eq!(head(&whole[..20]), None);
        let mut buffer = Vec::new();
        assert_eq!(answer(&mut &whole[..], &mut buffer).await.unwrap(), 201);
        assert!(answer(&mut &whole[..30], &mut buffer).await.is_err());
    }
}
