//! A WebSocket on a connection, seen from the server.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
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
            while let Some(first) = self.leaving.front_mut() {
                let written = ready!(Pin::new(&mut self.io).poll_write(context, first))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                first.advance(written);
                if first.is_empty() {
                    self.leaving.pop_front();
                    self.pong_next();
                }
            }
            self.pong_next();
            if self.leaving.is_empty() {
                return Pin::new(&mut self.io).poll_flush(context);
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
}
