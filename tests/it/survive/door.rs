//! An address that refuses everyone until it leads somewhere, and that can lead
//! elsewhere later: a receiver that is away, or changes.

use std::net::SocketAddr;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

/// The address; it leads somewhere as long as this lives.
pub struct Door {
    /// Where it is.
    pub address: SocketAddr,
    /// Holds the port: bound, but not listened at, so that connections are refused.
    shut: Option<TcpSocket>,
    to: watch::Sender<Option<SocketAddr>>,
}

impl Door {
    /// One that refuses.
    pub fn shut() -> Door {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        Door { address, shut: Some(socket), to: watch::channel(None).0 }
    }

    /// One that leads somewhere.
    pub fn to(address: SocketAddr) -> Door {
        let mut door = Door::shut();
        door.lead_to(address);
        door
    }

    /// Leads there from now on; connections to elsewhere are cut.
    pub fn lead_to(&mut self, address: SocketAddr) {
        self.to.send_replace(Some(address));
        if let Some(socket) = self.shut.take() {
            tokio::spawn(let_in(socket.listen(64).unwrap(), self.to.subscribe()));
        }
    }
}

async fn let_in(listener: TcpListener, to: watch::Receiver<Option<SocketAddr>>) {
    while let Ok((mut guest, _)) = listener.accept().await {
        let mut to = to.clone();
        tokio::spawn(async move {
            let Some(address) = *to.borrow_and_update() else { return };
            let Ok(mut host) = TcpStream::connect(address).await else { return };
            tokio::select! {
                _ = copy_bidirectional(&mut guest, &mut host) => {}
                _ = to.changed() => {}
            }
        });
    }
}
