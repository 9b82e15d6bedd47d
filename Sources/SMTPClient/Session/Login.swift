import Basics
import MailSyntax

/// AUTH at a smarthost (RFC 4954): PLAIN where offered, else LOGIN.
struct Login {
  let dialogue: Dialogue
  let extensions: RemoteExtensions
  let isEncrypted: Bool

  private var time: Duration { dialogue.settings.commandTimeout }

  /// Logs in, or throws.
  ///
  /// A refused login is temporary for the mail: the admin will mend it.
  func run(_ credentials: SMTPCredentials) async throws(SMTPFailure) {
    guard isEncrypted || credentials.allowClear else {
      throw dialogue.unsupported("the password may only travel under TLS", stage: .authentication, status: "4.7.11")
    }
    if extensions.mechanisms.contains("PLAIN") {
      try await plain(credentials)
    } else if extensions.mechanisms.contains("LOGIN") {
      try await login(credentials)
    } else {
      throw dialogue.unsupported(
        "the server offers neither AUTH PLAIN nor LOGIN", stage: .authentication, status: "4.7.4")
    }
  }

  private func plain(_ credentials: SMTPCredentials) async throws(SMTPFailure) {
    let response = Base64.encode(Array("\0\(credentials.login)\0\(credentials.password)".utf8))
    let reply = try await step("AUTH PLAIN \(response)", shown: "AUTH PLAIN")
    try check(reply, command: "AUTH PLAIN")
  }

  private func login(_ credentials: SMTPCredentials) async throws(SMTPFailure) {
    var reply = try await step("AUTH LOGIN", shown: "AUTH LOGIN")
    for answer in [credentials.login, credentials.password] {
      guard reply.code == 334 else { break }
      reply = try await step(Base64.encode(Array(answer.utf8)), shown: "AUTH LOGIN")
    }
    try check(reply, command: "AUTH LOGIN")
  }

  private func step(_ text: String, shown: String) async throws(SMTPFailure) -> RemoteReply {
    try await dialogue.command(text, stage: .authentication, within: time, shown: shown)
  }

  private func check(_ reply: RemoteReply, command: String) throws(SMTPFailure) {
    guard reply.isPositive else {
      throw dialogue.refusal(reply, stage: .authentication, command: command, isPermanent: false)
    }
  }
}
