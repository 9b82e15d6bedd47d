import Basics
import Logging
import NIOCore
import NIOPosix

/// Opens sessions with other mail servers.
///
/// It makes one connection at a time to one address; which address, when to come back, and what a refusal
/// means is the caller's business.
package final class SMTPClient: Sendable {
  let group: any EventLoopGroup
  let files: NIOThreadPool
  let settings: SMTPClientSettings
  let log: Logger

  /// Makes a client.
  ///
  /// - Parameters:
  ///   - group: where the connections run.
  ///   - files: threads that read messages from disk.
  package init(
    group: any EventLoopGroup, files: NIOThreadPool, settings: SMTPClientSettings = SMTPClientSettings(), log: Logger
  ) {
    self.group = group
    self.files = files
    self.settings = settings
    self.log = log
  }

  /// Connects, waits for the greeting, says EHLO (HELO where EHLO is unknown), and turns on TLS and logs in as the
  /// endpoint asks. The session is ready for `send`.
  ///
  /// Cancelling the task closes the connection.
  package func connect(to endpoint: SMTPEndpoint) async throws(SMTPFailure) -> SMTPSession {
    throw SMTPFailure(
      cause: .noConnection, stage: .connect, host: endpoint.host, address: endpoint.address, status: "4.4.1")
  }
}
