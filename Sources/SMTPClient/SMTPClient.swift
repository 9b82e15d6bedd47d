import Basics
import Logging
import NIOCore
import NIOPosix

/// Opens sessions with other mail servers.
///
/// It makes one connection at a time to one address; which address, when to come back, and what a refusal
/// means is the caller's business.
///
/// ```swift
/// let session = try await client.connect(to: SMTPEndpoint(host: "mx.example.org", address: address, helo: hostname))
/// let result = await session.send(message)
/// await session.quit()
/// ```
package final class SMTPClient: Sendable {
  private let group: any EventLoopGroup
  private let files: NIOThreadPool
  private let settings: SMTPClientSettings
  private let log: Logger
  private let contexts = TLSContexts()

  /// Makes a client.
  ///
  /// - Parameters:
  ///   - group: where the connections run.
  ///   - files: threads that read messages from disk.
  ///   - settings: time-outs and limits.
  ///   - log: gets one debug line per session.
  package init(
    group: any EventLoopGroup, files: NIOThreadPool, settings: SMTPClientSettings = SMTPClientSettings(), log: Logger
  ) {
    self.group = group
    self.files = files
    self.settings = settings
    self.log = log
  }

  /// Connects, and brings the session to the point where it is ready for `send`.
  ///
  /// Waits for the greeting, says EHLO (HELO where EHLO is unknown), turns on TLS and logs in as the endpoint asks.
  /// Cancelling the task closes the connection.
  package func connect(to endpoint: SMTPEndpoint) async throws(SMTPFailure) -> SMTPSession {
    let stream: ClientStream
    do {
      stream = try await ClientStream.connect(to: endpoint, group: group, settings: settings)
    } catch {
      throw SMTPFailure(
        cause: .noConnection, stage: .connect, host: endpoint.host, address: endpoint.address,
        detail: Self.describe(error), status: "4.4.1")
    }
    let opening = SessionOpening(
      dialogue: Dialogue(stream: stream, endpoint: endpoint, settings: settings), contexts: contexts)
    do {
      let (extensions, tls) = try await opening.run()
      log.debug("session open", metadata: ["host": "\(endpoint.host)", "tls": "\(tls ?? "no")"])
      return SMTPSession(dialogue: opening.dialogue, extensions: extensions, tls: tls, files: files)
    } catch {
      stream.close()
      throw error
    }
  }

  private static func describe(_ error: any Error) -> String {
    switch error {
    case let error as IOError: error.description
    case ChannelError.connectTimeout: "connection timed out"
    case is CancellationError: "cancelled"
    default: String(describing: error)
    }
  }
}
