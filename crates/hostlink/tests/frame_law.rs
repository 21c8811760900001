//! The law of the frame reader, for the fuzzer and for its corpus in a normal test run.

use hostlink::framing::{Frame, FrameReader, Framing, LengthForm};

const FORMS: [LengthForm; 5] =
    [LengthForm::Binary2, LengthForm::Binary4, LengthForm::Bcd2, LengthForm::Ascii4, LengthForm::Hex4];

/// The first byte chooses the framing, the second the size of the pieces, the rest is the stream. However the stream
/// is cut, the same frames come out of it, none longer than the maximum, and what is kept back is less than one frame.
pub fn holds(data: &[u8]) {
    let [choice, piece, stream @ ..] = data else { return };
    let framing = Framing {
        length: FORMS[usize::from(choice & 7) % FORMS.len()],
        inclusive: choice & 8 != 0,
        tpdu: (choice & 16 != 0).then_some([0x60, 0, 3, 0, 0]),
        header: vec![0x60; usize::from(choice >> 5)],
        max_bytes: 512,
        sign_on_demand: Some(3),
        parameters_demand: Some(1),
    };
    let whole = read(&framing, stream, stream.len().max(1));
    let cut = read(&framing, stream, usize::from(*piece).max(1));
    assert_eq!(whole, cut, "the same stream gave other frames in other pieces");
}

/// The frames, and whether the stream broke.
fn read(framing: &Framing, stream: &[u8], piece: usize) -> (Vec<Frame>, bool) {
    let (mut reader, mut frames) = (FrameReader::new(), Vec::new());
    for bytes in stream.chunks(piece) {
        reader.push(bytes);
        loop {
            match reader.next_frame(framing) {
                Ok(Some(frame)) => {
                    if let Frame::Message { envelope, body } = &frame {
                        assert!(envelope.len() + body.len() <= framing.max_bytes && !body.is_empty());
                        framing.demands_sign_on(envelope);
                        let mut answer = Vec::new();
                        let written = framing.write_reply(envelope, body, &mut answer);
                        assert!(written.is_ok(), "what was received in this framing can be sent in it");
                    }
                    frames.push(frame);
                }
                Ok(None) => break,
                Err(_) => return (frames, true),
            }
        }
    }
    (frames, false)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_corpus_obeys_the_law() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/frame_reader");
        let mut files = 0;
        for entry in std::fs::read_dir(corpus).expect("the corpus is in the repository") {
            super::holds(&std::fs::read(entry.unwrap().path()).unwrap());
            files += 1;
        }
        assert!(files >= 6, "only {files} files in the corpus");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_obey_the_law(data in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..700)) {
            super::holds(&data);
        }
    }
}
