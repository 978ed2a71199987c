use super::*;

#[test]
fn questions_come_out_as_they_went_in() {
    let ask = Ask {
        mailbox: Mailbox::parse(b"\"a b\"@example.org").unwrap(),
        expanded: Expanded::Lines,
    };
    assert_eq!(Ask::decode(&ask.encode()), Ok(ask.clone()));
    assert!(Ask::decode(&[ask.encode(), vec![0]].concat()).is_err());
}

#[test]
fn answers_come_out_as_they_went_in() {
    let found = |what| {
        Answer::Found(Found {
            name: "joe".into(),
            uid: 1,
            gid: 2,
            home: "/home/joe".into(),
            what,
        })
    };
    for answer in [
        found(Deliver::Account {
            dash: "-".into(),
            ext: "x".into(),
            delivery: b"./Maildir/".to_vec(),
            known_as: Mailbox::parse(b"joe-x@virtual.example").ok(),
        }),
        found(Deliver::Lines(vec![
            Line::Program("cat".into()),
            Line::File("/x".into()),
        ])),
        found(Deliver::Mailer(MailerProgram::Uucp {
            host: "far".into(),
            user: "joe".into(),
        })),
        Answer::Nobody,
        Answer::Refused {
            is_final: true,
            status: "5.1.1".into(),
            text: "no".into(),
        },
        Answer::Later("x".into()),
    ] {
        let packet = answer.encode().unwrap();
        assert_eq!(Answer::decode(&packet), Ok(answer));
        assert!(Answer::decode(packet.get(1..).unwrap()).is_err());
    }
    let lines = vec![Line::Program("x".repeat(MAX_PACKET))];
    assert_eq!(found(Deliver::Lines(lines)).encode(), None);
}
