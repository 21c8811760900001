//! A PostgreSQL of the test's own.

use pgserver::Server;

pub struct Database {
    pub server: Server,
}

/// A server that ends with the test.
pub fn server() -> Database {
    let parent = std::env::temp_dir();
    Database { server: Server::start(&parent, &["shared_buffers=64MB"]).unwrap() }
}

impl Database {
    /// Makes an empty database and returns its URL.
    pub fn database(&self, name: &str) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let url = self.server.url("postgres");
        runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        });
        self.server.url(name)
    }
}

/// Runs a statement past the store.
#[allow(dead_code, reason = "not every test program alters tables")]
pub fn run(url: &str, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
    });
}
