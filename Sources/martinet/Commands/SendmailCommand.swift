import ArgumentParser

/// `martinet sendmail`, and the name `sendmail`: mail from programs of this machine.
///
/// The driver hands its words to ``SendmailProgram`` as they are, since sendmail's options follow other rules.
struct SendmailCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sendmail",
    abstract: "Send a message from standard input, as programs of this machine expect it.",
    usage: "martinet sendmail [-t] [-i] [-v] [-f sender] [-F name] [recipient …]",
    discussion: """
      A link named sendmail, mailq or newaliases to martinet does the same.

        -t                 take the recipients from To, Cc and Bcc; Bcc is removed
        -i, -oi            a line with a dot alone does not end the message
        -f, -r sender      the envelope sender; <> for none; user becomes user@mailname
        -F name            the sender's full name
        -v                 print the dialogue
        -N never|success,failure,delay   which reports are wanted (NOTIFY)
        -R full|hdrs       what a report brings back (RET)
        -V id              an id that reports bring back (ENVID)
        -bs                SMTP on standard input and output
        -bp                list the queue (mailq)
        -bv                say whether mail for the recipients would be taken
        -q, -qI id, -qR domain   try the queue now, or a part of it
        --config FILE      the configuration file

      Mail counts for the account that sendmail.users names for the system user. It is kept when no server runs, and
      sent when one does. Exit codes are those of sysexits.h: 0, 64 usage, 65 data, 67 no such mailbox,
      69 refused, 75 try later, 77 not allowed, 78 configuration.
      """)

  @Argument(parsing: .captureForPassthrough, help: ArgumentHelp("As above.", visibility: .hidden))
  var words: [String] = []

  func run() async throws {
    throw ExitCode(await SendmailProgram.run(words, program: "sendmail"))
  }
}
