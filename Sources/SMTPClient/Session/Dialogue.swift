import Basics
import NIOCore

/// Commands and replies of one session, with failures that name both.
struct Dialogue: Sendable {
  let stream: ClientStream
  let endpoint: SMTPEndpoint
  let settings: SMTPClientSettings

  /// Sends one command and waits for its reply.
  ///
  /// - Parameter shown: what failures and logs show in place of a command that carries a secret.
  func command(
    _ text: String, stage: SMTPStage, within time: Duration, shown: String? = nil
  ) async throws(SMTPFailure) -> RemoteReply {
    stream.post(ByteBuffer(string: text + "\r\n"))
    return try await reply(to: shown ?? text, stage: stage, within: time)
  }

  /// The next reply, which belongs to `command`.
  func reply(to command: String, stage: SMTPStage, within time: Duration) async throws(SMTPFailure) -> RemoteReply {
    do {
      return try await stream.reply(within: time)
    } catch {
      throw failure(error, stage: stage, command: command)
    }
  }

  /// A failure of the connection below.
  func failure(_ error: StreamError, stage: SMTPStage, command: String) -> SMTPFailure {
    let (cause, detail, status): (SMTPFailure.Cause, String, String) =
      switch error {
      case .closed(let text): (.died, text.isEmpty ? "the connection was closed" : text, "4.4.2")
      case .timeout: (.timeout, "no reply in time", "4.4.2")
      case .protocolError(let text): (.protocolError, text, "4.5.0")
      case .tls(let text): (.tls, text, "4.7.5")
      }
    return SMTPFailure(
      cause: cause, stage: stage, host: endpoint.host, address: endpoint.address, command: command, detail: detail,
      status: status)
  }

  /// A failure that consists of the peer's own words.
  ///
  /// - Parameter isPermanent: overrides what the code says, where a 5xx does not speak about the message.
  func refusal(
    _ reply: RemoteReply, stage: SMTPStage, command: String, isPermanent: Bool? = nil
  ) -> SMTPFailure {
    guard reply.isTransient || reply.isPermanent else {
      return SMTPFailure(
        cause: .protocolError, stage: stage, host: endpoint.host, address: endpoint.address, command: command,
        reply: reply, detail: "an answer that does not fit the command", status: "4.5.0")
    }
    // RFC 5321 section 4.5.3.1.10: 552 for too many recipients is to be read as 452.
    let isTooMany = stage == .recipient && reply.code == 552 && reply.enhanced == "5.5.3"
    let permanent = isPermanent ?? (reply.isPermanent && !isTooMany)
    let status = reply.enhanced ?? (permanent ? "5.0.0" : "4.0.0")
    return SMTPFailure(
      cause: .refused, stage: stage, host: endpoint.host, address: endpoint.address, command: command, reply: reply,
      isPermanent: permanent, status: status)
  }

  /// A failure of our own making: the peer lacks what is needed.
  func unsupported(_ detail: String, stage: SMTPStage, status: String) -> SMTPFailure {
    SMTPFailure(
      cause: .unsupported, stage: stage, host: endpoint.host, address: endpoint.address, detail: detail,
      isPermanent: status.hasPrefix("5"), status: status)
  }
}
