//! Listeners: HTTP on loopback, and mutual TLS for wallet servers. Nobody holds a place by saying nothing: TLS handshakes
//! and request headers have their time, and a stop waits for requests under way only so long.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use pki::Certificate;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::wallet_gate::Peer;

/// For a TLS handshake, and for the headers of a request.
const OPENING: Duration = Duration::from_secs(10);
/// For requests under way at a stop: longer than a bank is waited for.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves a router until told to stop; then requests under way are finished. With mutual TLS, each request carries the
/// client's certificate.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let acceptor = tls.map(TlsAcceptor::from);
    let mut connections = JoinSet::new();
    let connection_stop = stop.clone();
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    let (acceptor, router) = (acceptor.clone(), router.clone());
                    let stop = connection_stop.clone();
                    connections.spawn(async move {
                        match acceptor {
                            Some(acceptor) => secured(stream, acceptor, router, stop).await,
                            None => connection(stream, router, stop).await,
                        }
                    });
                }
                Err(error) => tracing::warn!(%error, "A connection could not be accepted"),
            },
            Some(_) = connections.join_next() => {}
        }
    }
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("Connections that did not end in time are cut");
    }
}

async fn secured(stream: TcpStream, acceptor: TlsAcceptor, router: Router, stop: watch::Receiver<bool>) {
    let stream = match tokio::time::timeout(OPENING, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::warn!(%error, "A client did not get past the TLS handshake");
            return;
        }
        Err(_) => return,
    };
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    // A listener that asks for certificates lets nobody in without one; the public API asks for none.
    let Some(leaf) = chain.first() else { return connection(stream, router, stop).await };
    let Ok(certificate) = Certificate::from_der(leaf) else { return };
    let router = router.layer(axum::Extension(Peer(Arc::new(certificate))));
    connection(stream, router, stop).await;
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let service = hyper_util::service::TowerToHyperService::new(router);
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(OPENING)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    tokio::select! {
        served = serving.as_mut() => log_end(served),
        () = stopped => {
            serving.as_mut().graceful_shutdown();
            log_end(serving.await);
        }
    }
}

fn log_end(served: Result<(), hyper::Error>) {
    if let Err(error) = served {
        tracing::debug!(%error, "A connection ended");
    }
}
