//! A name server of the test: the names that it was given lead to this machine, and no others lead anywhere.

use std::{
    net::UdpSocket,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// Answers on the port of name servers until the process ends.
#[derive(Debug)]
pub struct Names {
    asked: Arc<Mutex<Vec<String>>>,
}

impl Names {
    pub fn serve(known: &'static [&'static str]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&asked);
        thread::spawn(move || {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let question = Question::read(&buffer[..length]);
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(question.name.clone());
                socket.send_to(&question.answer(known.contains(&question.name.as_str())), from).unwrap();
            }
        });
        Self { asked }
    }

    /// The names that were asked for so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A question, of which there is one in a message.
/// <https://www.rfc-editor.org/rfc/rfc1035#section-4>
struct Question {
    id: [u8; 2],
    name: String,
    /// A is 1, AAAA is 28.
    kind: u8,
    /// As it came, to be repeated.
    section: Vec<u8>,
}

const HEADER: usize = 12;

impl Question {
    fn read(message: &[u8]) -> Self {
        let mut labels = Vec::new();
        let mut at = HEADER;
        while message[at] != 0 {
            let length = usize::from(message[at]);
            labels.push(String::from_utf8_lossy(&message[at + 1..=at + length]).into_owned());
            at += length + 1;
        }
        let section = message[HEADER..at + 5].to_vec();
        Self { id: [message[0], message[1]], name: labels.join("."), kind: message[at + 2], section }
    }

    /// This machine's address, nothing of that kind, or no such name.
    fn answer(&self, is_known: bool) -> Vec<u8> {
        let has_address = is_known && self.kind == 1;
        let code = if is_known { 0 } else { 3 };
        let mut message = self.id.to_vec();
        message.extend([0x81, 0x80 | code, 0, 1, 0, u8::from(has_address), 0, 0, 0, 0]);
        message.extend(&self.section);
        if has_address {
            // The name of the question; A, IN, a minute, four bytes.
            message.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
        }
        message
    }
}
