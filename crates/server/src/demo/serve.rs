//! Listeners: HTTP on loopback, and mutual TLS for wallet servers.

use std::sync::Arc;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use pki::Certificate;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::wallet_gate::Peer;

/// Serves plain HTTP until told to stop; requests under way are finished.
pub async fn http(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
        tracing::error!(%error, "A listener failed");
    }
}

/// Serves HTTP over mutual TLS until told to stop. Each request carries the certificate of its connection.
pub async fn mutual_tls(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let acceptor = TlsAcceptor::from(tls);
    let mut connections = JoinSet::new();
    let connection_stop = stop.clone();
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let (acceptor, router) = (acceptor.clone(), router.clone());
                    let stop = connection_stop.clone();
                    connections.spawn(async move { connection(stream, acceptor, router, stop).await });
                }
                Err(error) => tracing::warn!(%error, "A connection could not be accepted"),
            },
            Some(_) = connections.join_next() => {}
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let stream = match acceptor.accept(stream).await {
        Ok(stream) => stream,
        Err(error) => {
            tracing::warn!(%error, "A client did not get past the TLS handshake");
            return;
        }
    };
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let Some(Ok(certificate)) = chain.first().map(|leaf| Certificate::from_der(leaf)) else { return };
    let router = router.layer(axum::Extension(Peer(Arc::new(certificate))));
    let service = hyper_util::service::TowerToHyperService::new(router);
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
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
        tracing::debug!(%error, "A wallet's connection ended");
    }
}
