import Basics
import Logging
import NIOCore
import NIOPosix

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
  package internal(set) var tls: TLSInfo?
  /// The session's log, with id, listener and peer as metadata.
  package lazy var log: Logger = makeLog()
  /// When the session has to have logged in, at the latest; reads throw `.deadlinePassed` from then on.
  ///
  /// Set at accept on listeners that expect a login; `tag(account:)` clears it.
  package var deadline: NIODeadline?

  let channel: any Channel
  let gate: NIOLoopBound<InputGate>
  let settings: WireSettings
  let entry: SessionEntry
  let certificates: TLSCertificates?
  let executor: LoopExecutor?
  private let baseLog: Logger
  var input = LineBuffer()
  var output: ByteBuffer
  /// Set once the connection is compressed.
  var codec: DeflateCodec?
  private var inflatedInARow = 0
  private var hasEnded = false

  init(
    _ entry: SessionEntry, endpoints: Endpoints, settings: WireSettings, tls: TLSCertificates?, log: Logger,
    executor: LoopExecutor? = nil
  ) {
    self.entry = entry
    id = entry.id
    listener = entry.listener
    local = endpoints.local
    localPort = endpoints.localPort
    peer = endpoints.peer
    peerPort = endpoints.peerPort
    channel = entry.channel
    gate = entry.gate
    self.settings = settings
    certificates = tls
    self.executor = executor
    baseLog = log
    output = ByteBuffer()
  }

  /// Whether input waits that was not consumed yet (pipelining).
  package var hasBufferedInput: Bool {
    if input.count > 0 || codec?.holdsInput == true { return true }
    return channel.eventLoop.inEventLoop && gate.value.pending.readableBytes > 0
  }

  /// Whether the peer has closed its side, or the connection is gone; nothing more will come.
  package var isClosed: Bool { !channel.isActive }

  /// Runs a part of the session in a task of its own, on the connection's event loop, and waits for it; a cancellation
  /// is passed on.
  ///
  /// A task keeps the memory its deepest chain of calls has needed until it ends. A session that runs its commands apart
  /// keeps only what waiting for the next one needs.
  ///
  /// - Throws: what `body` throws.
  nonisolated(nonsending) package func apart(_ body: @escaping () async throws -> Void) async throws {
    // One of the two tasks waits for the other, so that nothing of the session is used by both at once.
    nonisolated(unsafe) let body = body
    let task = Task(executorPreference: executor) { try await body() }
    try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      task.cancel()
    }
  }

  /// Reads one line, without its CRLF or LF.
  ///
  /// - Parameters:
  ///   - limit: most octets a line may have, its line end not counted.
  ///   - timeout: time within which the whole line has to be there.
  /// - Returns: `nil` at the end of input; what stands before it without a line end is dropped. Reads after that throw.
  /// - Throws: `ConnectionError`; after `.lineTooLong` the connection can be used on.
  nonisolated(nonsending) package func readLine(limit: Int, timeout: Duration) async throws -> [UInt8]? {
    if let line = try bufferedLine(limit) {
      if output.readableBytes >= settings.flushThreshold { try await flush() }
      return line
    }
    let wait = makeWait(timeout)
    while true {
      if case .end = try await nextOutcome(wait) { return nil }
      if let line = try bufferedLine(limit) { return line }
    }
  }

  /// The line for which `readLine` last threw `.lineTooLong`; its ends only.
  package var overlongLine: OverlongLine { input.overlong ?? OverlongLine() }

  /// Reads one line, or comes back when `wakeup` is signalled (IMAP IDLE, RFC 2177).
  ///
  /// A line that is there already wins over a signal; an unfinished line is kept.
  nonisolated(nonsending) package func readLine(
    limit: Int, timeout: Duration, or wakeup: Wakeup
  ) async throws -> LineOrWake {
    let wait = makeWait(timeout)
    let loop = channel.eventLoop
    let gate = self.gate
    defer { wakeup.detach() }
    while true {
      if let line = try bufferedLine(limit) { return .line(line) }
      if wakeup.take() { return .woken }
      wakeup.attach { loop.execute { gate.value.wake() } }
      if case .end = try await nextOutcome(wait) { return .end }
    }
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
  /// - Throws: `ConnectionError`, `.tooMuchInput` when `body` leaves more than `WireSettings.unconsumedLimit`; or what
  ///   `body` throws, nothing being taken then.
  nonisolated(nonsending) package func consume(
    timeout: Duration, _ body: (UnsafeRawBufferPointer) throws -> Int
  ) async throws -> Bool {
    if entry.isEnded { try throwEnd() }
    if input.count == 0 || input.wasRefused {
      guard input.count < settings.unconsumedLimit else { throw ConnectionError.tooMuchInput }
      var wait = makeWait(timeout)
      wait.heedsShutdown = false
      if case .end = try await nextOutcome(wait) { return false }
    } else if output.readableBytes >= settings.flushThreshold {
      try await flush()
    }
    try input.consume(body)
    return true
  }

  /// Sends the reply and starts TLS (STARTTLS, STLS); comes back after the handshake.
  ///
  /// Whatever the client has sent behind the command is dropped and never run (CVE-2011-0411). The session has to forget
  /// all it knew from before.
  ///
  /// - Throws: `ConnectionError.tls` when the handshake fails; the connection is closed then.
  package nonisolated(nonsending) func startTLS(reply: [UInt8]) async throws {
    guard let certificates, tls == nil else { throw ConnectionError.tls("TLS is not available") }
    input = LineBuffer()
    write(reply)
    let buffer = takeOutput()
    try await secure(certificates, reply: buffer, first: nil, dropsInput: true)
  }

  /// Whether `startTLS` can work: in clear, and a certificate is configured.
  package var canStartTLS: Bool { tls == nil && certificates != nil }

  /// Does the handshake of an implicit TLS listener.
  nonisolated(nonsending) func startImplicitTLS() async throws {
    guard let certificates else { throw ConnectionError.tls("no certificate is configured") }
    try await secure(certificates, reply: nil, first: input.takeAll(), dropsInput: false)
  }

  /// Says that the session has logged in.
  ///
  /// Frees its place among those that have not, clears `deadline`, and lets `WireServer.endSessions(account:reason:)`
  /// find it.
  package func tag(account: Int64) {
    deadline = nil
    entry.loggedIn(account)
  }

  /// Says that the session is nobody's any more, and has the usual time to log in again (RFC 8437).
  package func untag() {
    setDeadline(in: settings.timeBeforeLogin)
    entry.loggedOut()
  }

  /// Gives the session, from now, so long for all its reads together; see `deadline`.
  package func setDeadline(in time: Duration) { deadline = .now() + TimeAmount(time) }

  /// Closes at once.
  ///
  /// What is collected and not flushed is lost; a session that wants it sent just returns instead.
  package func close() { channel.close(promise: nil) }

  // MARK: How it waits

  /// Why to look again: something may have come, or nothing more will.
  enum Next { case more, end }

  func makeWait(_ timeout: Duration) -> InputGate.Wait {
    let own = NIODeadline.now() + TimeAmount(timeout)
    if let deadline, deadline < own { return InputGate.Wait(deadline: deadline, isTotal: true) }
    return InputGate.Wait(deadline: own)
  }

  private func bufferedLine(_ limit: Int) throws -> [UInt8]? {
    if entry.isEnded { try throwEnd() }
    guard input.count > 0 else { return nil }
    return try input.takeLine(limit: limit, swallowLimit: settings.swallowLimit)
  }

  func throwEnd() throws { throw ConnectionError.ended(reason: entry.endReason ?? "") }

  /// Waits for more input and puts it into the line buffer; sends what is collected first.
  nonisolated(nonsending) func nextOutcome(_ wait: InputGate.Wait) async throws -> Next {
    while true {
      if try await inflateMore() { return .more }
      let collected = takeOutput()
      let (current, isNap) = napping(wait)
      let outcome = await withCheckedContinuation { continuation in
        guard channel.eventLoop.inEventLoop else {
          return onLoop { gate in gate.wait(current, sending: collected, continuation) }
        }
        gate.value.wait(current, sending: collected, continuation)
      }
      switch outcome {
      case .data(let buffer):
        if let codec {
          codec.add(buffer)
          continue
        }
        input.append(buffer)
        return .more
      case .failed(.timeout) where isNap: codec?.sleep()
      case .woken: return .more
      case .end:
        // Once is said politely; a session that reads on would spin on its event loop.
        if hasEnded { throw ConnectionError.closed }
        hasEnded = true
        return .end
      case .blocked: try await flush()
      case .failed(let error): throw error
      }
    }
  }

  /// Inflates some of what waits into the line buffer; `false` when more has to come first.
  private nonisolated(nonsending) func inflateMore() async throws -> Bool {
    guard let codec, let more = try codec.inflate(most: settings.inflateChunk) else {
      inflatedInARow = 0
      return false
    }
    input.append(more)
    inflatedInARow += 1
    // A little input may hold very much: others on this event loop get their turn in between.
    if inflatedInARow % 16 == 0 { await Task.yield() }
    return true
  }

  /// The wait, cut short when the compressor's memory could be given back before it is over.
  private func napping(_ wait: InputGate.Wait) -> (InputGate.Wait, isNap: Bool) {
    guard let codec, codec.isAwake else { return (wait, false) }
    let nap = NIODeadline.now() + TimeAmount(settings.compressionNap)
    guard nap < wait.deadline else { return (wait, false) }
    var short = wait
    short.deadline = nap
    short.isTotal = false
    return (short, true)
  }

  private nonisolated(nonsending) func secure(
    _ certificates: TLSCertificates, reply: ByteBuffer?, first: ByteBuffer?, dropsInput: Bool
  ) async throws {
    let result = await withCheckedContinuation { continuation in
      onLoop { gate in
        if dropsInput { gate.dropInput() }
        gate.startTLS(certificates, reply: reply, first: first, continuation)
      }
    }
    tls = try result.get()
    entry.secured()
  }

  /// Does something with the gate on the event loop: now when this is it, else soon.
  func onLoop(_ body: @escaping @Sendable (InputGate) -> Void) {
    if channel.eventLoop.inEventLoop { return body(gate.value) }
    let gate = self.gate
    channel.eventLoop.execute { body(gate.value) }
  }

  private func makeLog() -> Logger {
    var log = baseLog
    log[metadataKey: "session"] = "\(id)"
    log[metadataKey: "listener"] = "\(listener)"
    log[metadataKey: "peer"] = "\(peer)"
    return log
  }
}

/// Both ends of a connection.
struct Endpoints: Sendable {
  var peer: IPAddress
  var peerPort: Int
  var local: IPAddress
  var localPort: Int
}
