import Basics
import Logging
import NIOCore

/// A client's connection as its session sees it: lines, octets, replies, files, TLS.
///
/// Used from the task that serves it only (it is not `Sendable`). Replies are collected and leave when a read has to
/// wait, when 64 KiB are reached before a read, or at `flush()`.
package final class Connection {
  /// A short name for logs, unique while the server runs.
  package let id: String
  /// The listener's name, `ListenerSpec.name`.
  package let listener: String
  /// The port the client connected to.
  package let localPort: Int
  /// The client's address; behind a listed proxy what the PROXY header says.
  package let peer: IPAddress
  /// The client's port.
  package let peerPort: Int
  /// The address the client connected to.
  package let local: IPAddress
  /// The TLS session's facts; `nil` in clear.
  package private(set) var tls: TLSInfo?
  /// The session's log, with id, listener and peer as metadata.
  package var log: Logger
  /// When the session has to have logged in, at the latest; reads throw `.deadlinePassed` from then on.
  ///
  /// Set at accept on listeners that expect a login; `tag(account:)` clears it.
  package var deadline: NIODeadline?

  init(id: String, listener: String, localPort: Int, peer: IPAddress, peerPort: Int, local: IPAddress, log: Logger) {
    self.id = id
    self.listener = listener
    self.localPort = localPort
    self.peer = peer
    self.peerPort = peerPort
    self.local = local
    self.log = log
  }

  /// Whether input waits that was not consumed yet (pipelining).
  package var hasBufferedInput: Bool { false }

  /// Reads one line, without its CRLF or LF.
  ///
  /// - Parameters:
  ///   - limit: most octets a line may have, its line end not counted.
  ///   - timeout: time within which the whole line has to be there.
  /// - Returns: `nil` at the end of input; what stands before it without a line end is dropped.
  /// - Throws: `ConnectionError`; after `.lineTooLong` the connection can be used on.
  nonisolated(nonsending) package func readLine(limit: Int, timeout: Duration) async throws -> [UInt8]? {
    throw ConnectionError.closed
  }

  /// Reads one line, or comes back when `wakeup` is signalled (IMAP IDLE, RFC 2177).
  ///
  /// A line that is there already wins over a signal; an unfinished line is kept.
  nonisolated(nonsending) package func readLine(
    limit: Int, timeout: Duration, or wakeup: Wakeup
  ) async throws -> LineOrWake {
    throw ConnectionError.closed
  }

  /// Hands all buffered octets to `body`, which says how many of them it has taken.
  ///
  /// Waits when there are none, or when the last call of `body` took none of those that are there. Shutdown does not
  /// interrupt it: what was begun may be finished.
  ///
  /// - Parameters:
  ///   - timeout: how long to wait for the next octet.
  ///   - body: gets at least one octet; returns 0 through the count given.
  /// - Returns: `false` at the end of input.
  nonisolated(nonsending) package func consume(
    timeout: Duration, _ body: (UnsafeRawBufferPointer) throws -> Int
  ) async throws -> Bool {
    throw ConnectionError.closed
  }

  /// Collects octets to send.
  package func write(_ bytes: [UInt8]) {}

  /// Collects octets to send.
  package func write(_ bytes: ArraySlice<UInt8>) {}

  /// Collects text to send; line ends are the caller's.
  package func write(_ text: String) {}

  /// Collects the readable octets of a buffer to send.
  package func write(_ buffer: ByteBuffer) {}

  /// Number of octets collected and not yet handed to the kernel's queue.
  package var collectedOutput: Int { 0 }

  /// Sends what is collected; comes back when the client has taken enough of it for more to be collected.
  package nonisolated(nonsending) func flush() async throws { throw ConnectionError.closed }

  /// Like `flush()`, but only when 64 KiB or more are collected: to be called in loops that write much.
  package nonisolated(nonsending) func flushIfLarge() async throws { throw ConnectionError.closed }

  /// Sends a part of an open file, after what is collected; comes back when the kernel has all of it.
  ///
  /// - Parameters:
  ///   - descriptor: an open file, which stays the caller's; its position is not used.
  ///   - offset: first octet to send.
  ///   - length: number of octets; a file that turns out shorter closes the connection and throws `.closed`.
  package nonisolated(nonsending) func writeFile(descriptor: CInt, offset: Int, length: Int) async throws {
    throw ConnectionError.closed
  }

  /// Sends the reply and starts TLS (STARTTLS, STLS); comes back after the handshake.
  ///
  /// Whatever the client has sent behind the command is dropped and never run (CVE-2011-0411). The session has to forget
  /// all it knew from before.
  ///
  /// - Throws: `ConnectionError.tls` when the handshake fails; the connection is closed then.
  package nonisolated(nonsending) func startTLS(reply: [UInt8]) async throws { throw ConnectionError.closed }

  /// Whether `startTLS` can work: in clear, and a certificate is configured.
  package var canStartTLS: Bool { false }

  /// Says that the session has logged in: frees its place among those that have not, clears `deadline`, and lets
  /// `WireServer.endSessions(account:reason:)` find it.
  package func tag(account: Int64) {}

  /// Closes at once; what is collected and not flushed is lost. A session just returns instead.
  package func close() {}
}
