import Basics
import Logging
import NIOPosix

@testable import SMTPClient

/// A client with short time-outs, and endpoints on loopback.
enum ClientFixture {
  static let files: NIOThreadPool = {
    let pool = NIOThreadPool(numberOfThreads: 2)
    pool.start()
    return pool
  }()

  static func client(_ change: (inout SMTPClientSettings) -> Void = { _ in }) -> SMTPClient {
    var settings = SMTPClientSettings()
    settings.connectTimeout = .seconds(5)
    settings.greetingTimeout = .seconds(5)
    settings.commandTimeout = .seconds(5)
    settings.mailTimeout = .seconds(5)
    settings.recipientTimeout = .seconds(5)
    settings.dataTimeout = .seconds(5)
    settings.blockTimeout = .seconds(5)
    settings.finalDotTimeout = .seconds(5)
    settings.quitTimeout = .seconds(1)
    change(&settings)
    return SMTPClient(
      group: MultiThreadedEventLoopGroup.singleton, files: files, settings: settings, log: Logger(label: "test"))
  }

  static func endpoint(
    _ server: ScriptedServer, tls: TLSPolicy = .off, credentials: SMTPCredentials? = nil, isLMTP: Bool = false
  ) -> SMTPEndpoint {
    SMTPEndpoint(
      host: "mx.example.test", address: .v4(0x7f00_0001), port: server.port, helo: "client.example.test", tls: tls,
      credentials: credentials, isLMTP: isLMTP)
  }

  static func message(
    _ text: String = "Subject: x\r\n\r\nhello\r\n", to recipients: [String] = ["bob@example.test"]
  ) -> OutgoingMessage {
    OutgoingMessage(
      sender: "alice@example.org", recipients: recipients.map { OutgoingRecipient($0) },
      content: .bytes(Array(text.utf8)))
  }
}

extension TransactionResult {
  /// `ok 250` or `refused permanent 5.1.1`, one per recipient.
  var summary: [String] {
    recipients.map { outcome in
      switch outcome.result {
      case .success(let reply): "ok \(reply.code)"
      case .failure(let failure):
        "\(failure.cause.rawValue) \(failure.stage.rawValue) \(failure.isPermanent ? "permanent" : "temporary")"
          + " \(failure.status)"
      }
    }
  }

  /// The first recipient's failure.
  var failure: SMTPFailure? {
    if case .failure(let failure) = recipients.first?.result { failure } else { nil }
  }
}
