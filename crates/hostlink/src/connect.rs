//! How a link reaches its bank. TCP here; TLS and simulated networks come from outside through [`Connect`].

use std::future::Future;
use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A connection to a bank.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens connections to one bank.
pub trait Connect: Send + Sync {
    /// Opens one. The link limits how long it may take.
    fn connect(&self) -> Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send + '_>>;
}

/// Plain TCP, without delay for small segments. The name is resolved again for every connection.
#[derive(Clone, Debug)]
pub struct TcpConnect {
    address: String,
}

impl TcpConnect {
    /// To `host:port`.
    pub fn new(address: impl Into<String>) -> Self {
        Self { address: address.into() }
    }
}

impl Connect for TcpConnect {
    fn connect(&self) -> Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send + '_>> {
        Box::pin(async {
            let stream = TcpStream::connect(&self.address).await?;
            // A request is one write already: holding it back for more would only make it late.
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}
