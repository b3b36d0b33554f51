//! A WebSocket on a connection, seen from the server.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::deflate::{Agreed, Inflater};
use super::prepared::{Prepared, encoded};
use super::{Close, Fault, Message, Reader, Role};

/// The server's side of a connection.
///
/// Pings are answered and closes confirmed by themselves, whenever the socket is read or written. [`Socket::recv`] and the sending
/// functions may be dropped at any time: nothing is lost by that, and a frame that was sent in part is finished by the next call.
#[derive(Debug)]
pub struct Socket<S> {
    io: S,
    agreed: Option<Agreed>,
    reader: Reader,
    /// Whole frames; the first may be sent in part.
    leaving: VecDeque<Bytes>,
    /// The answer to the last ping. A client that asks again before it is sent gets one answer.
    pong: Option<Bytes>,
    /// Whether a close frame was sent: nothing comes after it.
    closed: bool,
    hearing: Hearing,
}

/// What becomes of the bytes that arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hearing {
    Messages,
    /// The client was at fault: they are thrown away, so that it reads why before the connection ends.
    Nothing,
    /// The client has closed: nothing comes any more.
    Closed,
}

/// How many pieces are written with one call.
const TOGETHER: usize = 64;

/// For how many bytes there is room at least when something arrives.
const ROOM: usize = 4096;

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// A socket on a connection whose handshake is done. Messages of the client have at most `limit` bytes.
    pub fn new(io: S, limit: usize, agreed: Option<Agreed>) -> Self {
        let inflater = agreed.map(|agreed| Inflater::new(agreed.client_forgets));
        Self {
            io,
            agreed,
            reader: Reader::new(Role::Server, limit, inflater),
            leaving: VecDeque::new(),
            pong: None,
            closed: false,
            hearing: Hearing::Messages,
        }
    }

    /// The next message of the client, `None` when the connection has ended. After a fault the client should be told by a close
    /// frame; what it sends then is read and thrown away.
    pub async fn recv(&mut self) -> Option<Result<Message, Fault>> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// Sends a message, and returns when it has left.
    ///
    /// # Errors
    /// When the connection has ended, or a close frame was sent before.
    pub async fn send(&mut self, message: &Message) -> io::Result<()> {
        let frame = encoded(message, self.agreed);
        self.send_frames(frame, matches!(message, Message::Close(_))).await
    }

    /// Sends messages that other clients may get as well, and returns when they have left.
    ///
    /// # Errors
    /// When the connection has ended, or a close frame was sent before.
    pub async fn send_prepared(&mut self, prepared: &Prepared) -> io::Result<()> {
        self.send_frames(prepared.bytes(self.agreed), false).await
    }

    /// The same for several of them, which leave together.
    ///
    /// # Errors
    /// When the connection has ended, or a close frame was sent before.
    pub async fn send_all_prepared(&mut self, prepared: &[Arc<Prepared>]) -> io::Result<()> {
        if self.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.leaving.extend(prepared.iter().map(|prepared| prepared.bytes(self.agreed)));
        poll_fn(|context| self.poll_flush(context)).await
    }

    async fn send_frames(&mut self, frames: Bytes, closes: bool) -> io::Result<()> {
        if self.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.closed = closes;
        self.leaving.push_back(frames);
        poll_fn(|context| self.poll_flush(context)).await
    }

    fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Message, Fault>>> {
        loop {
            if !self.leaving.is_empty() || self.pong.is_some() {
                match self.poll_flush(context) {
                    Poll::Ready(Err(_)) => return Poll::Ready(None),
                    // Reading goes on meanwhile.
                    Poll::Ready(Ok(())) | Poll::Pending => {}
                }
            }
            if self.hearing == Hearing::Messages {
                match self.reader.message() {
                    Ok(Some(message)) => {
                        self.hear(&message);
                        return Poll::Ready(Some(Ok(message)));
                    }
                    Ok(None) => {}
                    Err(fault) => {
                        self.hearing = Hearing::Nothing;
                        return Poll::Ready(Some(Err(fault)));
                    }
                }
            } else {
                self.reader.arrived().clear();
                if self.closed && self.leaving.is_empty() {
                    let _ = ready!(Pin::new(&mut self.io).poll_shutdown(context));
                }
            }
            // A server ends the connection, once both sides have said that they are done.
            if self.hearing == Hearing::Closed && self.leaving.is_empty() {
                return Poll::Ready(None);
            }
            let arrived = self.reader.arrived();
            arrived.reserve(ROOM);
            match ready!(pin!(self.io.read_buf(arrived)).poll(context)) {
                Ok(0) | Err(_) => return Poll::Ready(None),
                Ok(_) => {}
            }
        }
    }

    fn hear(&mut self, message: &Message) {
        match message {
            Message::Ping(payload) if !self.closed => self.pong = Some(payload.clone()),
            Message::Close(close) => {
                self.hearing = Hearing::Closed;
                if !self.closed {
                    self.closed = true;
                    let echo = close.as_ref().map(|close| Close { code: close.code, reason: String::new() });
                    self.pong = None;
                    self.leaving.push_back(encoded(&Message::Close(echo), None));
                }
            }
            _ => {}
        }
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while !self.leaving.is_empty() {
                let written = ready!(self.poll_write(context))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.has_left(written);
            }
            self.pong_next();
            if self.leaving.is_empty() {
                return Pin::new(&mut self.io).poll_flush(context);
            }
        }
    }

    /// Writes as much of what is leaving as can go at once: of the first frame only while an answer to a ping has to follow it.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let io = Pin::new(&mut self.io);
        match self.leaving.front() {
            Some(first) if self.leaving.len() == 1 || self.pong.is_some() || !io.is_write_vectored() => {
                io.poll_write(context, first)
            }
            _ => {
                let mut slices = [IoSlice::new(&[]); TOGETHER];
                let count = self.leaving.len().min(TOGETHER);
                for (slice, frames) in slices.iter_mut().zip(&self.leaving) {
                    *slice = IoSlice::new(frames);
                }
                io.poll_write_vectored(context, &slices[..count])
            }
        }
    }

    /// Forgets what was written.
    fn has_left(&mut self, mut written: usize) {
        while let Some(first) = self.leaving.front_mut() {
            let part = written.min(first.len());
            first.advance(part);
            written -= part;
            if !first.is_empty() {
                return;
            }
            self.leaving.pop_front();
            if written == 0 {
                // What was written ends with a frame.
                return self.pong_next();
            }
        }
    }

    /// Between two frames is the place for an answer to a ping.
    fn pong_next(&mut self) {
        if let Some(payload) = self.pong.take() {
            self.leaving.push_front(encoded(&Message::Pong(payload), None));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::super::frame::{self, Opcode};
    use super::*;

    const LIMIT: usize = 100;

    fn pair(room: usize) -> (Socket<DuplexStream>, Client) {
        let (server, client) = duplex(room);
        (Socket::new(server, LIMIT, None), Client(client, Reader::new(Role::Client, 1 << 20, None)))
    }

    struct Client(DuplexStream, Reader);

    impl Client {
        async fn send(&mut self, opcode: Opcode, payload: &[u8]) {
            let mut out = Vec::new();
            frame::write(opcode, false, payload, Some([1, 2, 3, 4]), &mut out);
            self.0.write_all(&out).await.unwrap();
        }

        async fn next(&mut self) -> Option<Message> {
            loop {
                if let Some(message) = self.1.message().unwrap() {
                    return Some(message);
                }
                if self.0.read_buf(self.1.arrived()).await.unwrap() == 0 {
                    return None;
                }
            }
        }
    }

    #[tokio::test]
    async fn pings_are_answered_and_told() {
        let (mut socket, mut client) = pair(1 << 16);
        client.send(Opcode::Ping, b"one").await;
        client.send(Opcode::Text, b"two").await;
        assert_eq!(socket.recv().await, Some(Ok(Message::Ping(Bytes::from_static(b"one")))));
        assert_eq!(socket.recv().await, Some(Ok(Message::text("two"))));
        assert_eq!(client.next().await, Some(Message::Pong(Bytes::from_static(b"one"))));
    }

    #[tokio::test]
    async fn a_close_is_confirmed_and_ends_the_connection() {
        let (mut socket, mut client) = pair(1 << 16);
        client.send(Opcode::Close, b"\x03\xe8bye").await;
        let close = |reason: &str| Message::Close(Some(Close { code: 1000, reason: reason.to_owned() }));
        assert_eq!(socket.recv().await, Some(Ok(close("bye"))));
        assert_eq!(socket.recv().await, None);
        assert_eq!(client.next().await, Some(close("")));
        assert_eq!(client.next().await, None);
        assert!(socket.send(&Message::text("late")).await.is_err());
    }

    #[tokio::test]
    async fn who_closes_first_reads_until_the_other_confirms() {
        let (mut socket, mut client) = pair(1 << 16);
        socket.send(&Message::Close(None)).await.unwrap();
        client.send(Opcode::Text, b"on its way").await;
        client.send(Opcode::Close, b"").await;
        assert_eq!(socket.recv().await, Some(Ok(Message::text("on its way"))));
        assert_eq!(socket.recv().await, Some(Ok(Message::Close(None))));
        assert_eq!(socket.recv().await, None);
        assert_eq!(client.next().await, Some(Message::Close(None)));
        assert_eq!(client.next().await, None);
    }

    #[tokio::test]
    async fn after_a_fault_the_client_can_be_told() {
        let (mut socket, mut client) = pair(1 << 16);
        client.send(Opcode::Text, &[b'x'; LIMIT + 1]).await;
        client.send(Opcode::Text, b"more").await;
        assert_eq!(socket.recv().await, Some(Err(Fault::TooLarge)));
        let close = Message::Close(Some(Close { code: 1009, reason: String::new() }));
        socket.send(&close).await.unwrap();
        let (ended, ()) = tokio::join!(socket.recv(), async {
            client.send(Opcode::Text, b"still more").await;
            assert_eq!(client.next().await, Some(close));
            assert_eq!(client.next().await, None);
            drop(client);
        });
        assert_eq!(ended, None);
    }

    #[tokio::test]
    async fn a_send_that_is_dropped_leaves_whole_frames() {
        let (mut socket, mut client) = pair(64);
        let long = Message::text("x".repeat(500));
        tokio::select! {
            biased;
            _ = socket.send(&long) => panic!("there is not that much room"),
            () = std::future::ready(()) => {}
        }
        client.send(Opcode::Ping, b"?").await;
        assert_eq!(socket.recv().await, Some(Ok(Message::Ping(Bytes::from_static(b"?")))));
        let next = Message::text("next");
        let (sent, ()) = tokio::join!(socket.send(&next), async {
            assert_eq!(client.next().await, Some(long.clone()));
            assert_eq!(client.next().await, Some(Message::Pong(Bytes::from_static(b"?"))));
            assert_eq!(client.next().await, Some(next.clone()));
        });
        sent.unwrap();
    }

    /// A TCP connection takes many pieces with one call, and ends wherever it likes within one.
    #[tokio::test]
    async fn what_leaves_together_arrives_in_order() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, server) = tokio::join!(tokio::net::TcpStream::connect(address), listener.accept());
        let (mut client, mut socket) = (client.unwrap(), Socket::new(server.unwrap().0, LIMIT, None));
        let texts: Vec<String> = (0..2000).map(|number| format!("{number} ").repeat(1000)).collect();
        let prepared: Vec<Arc<Prepared>> =
            texts.iter().map(|text| Arc::new(Prepared::new([Message::text(text.clone())]))).collect();
        let mut reader = Reader::new(Role::Client, 1 << 20, None);
        let (sent, ()) = tokio::join!(socket.send_all_prepared(&prepared), async {
            for text in &texts {
                let message = loop {
                    if let Some(message) = reader.message().unwrap() {
                        break message;
                    }
                    assert_ne!(client.read_buf(reader.arrived()).await.unwrap(), 0);
                };
                assert_eq!(message, Message::text(text.clone()));
            }
        });
        sent.unwrap();
    }
}
