import Basics
import Glibc
import NIOCore

/// Stands between a channel and the task that serves it, below the bridge to async code.
///
/// Reads from the socket only as far ahead as `WireSettings.readAhead` allows, keeps at most one waiter for input and
/// one for output, and answers it with data, the end, a time limit, a wakeup or word from the server. Everything here
/// happens on the channel's event loop.
final class InputGate: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  /// What a reader asks for.
  struct Wait: Sendable {
    var deadline: NIODeadline
    /// Whether `deadline` is the session's total one.
    var isTotal = false
    /// Whether a shutdown of the server ends the wait.
    var heedsShutdown = true
  }

  /// What a wait for input comes back with.
  enum Outcome: Sendable {
    case data(ByteBuffer)
    case end
    case woken
    /// The client does not take our output: wait for that first.
    case blocked
    case failed(ConnectionError)
  }

  /// What arriving octets are for.
  enum Mode { case waiting, open, handshake, discarding }

  let channel: any Channel
  let settings: WireSettings
  var mode = Mode.waiting
  private(set) var pending = ByteBuffer()
  private(set) var ended = false
  private(set) var isClosed = false
  var handshake: Handshake?
  private var context: ChannelHandlerContext?
  /// Called once, when the connection is up.
  var onActive: (() -> Void)?
  var farewell: CheckedContinuation<Void, Never>?
  var farewellTimer: Scheduled<Void>?
  private var notice: ConnectionError?
  private var wakeIsPending = false
  private var reader: (continuation: CheckedContinuation<Outcome, Never>, wait: Wait)?
  private var writer: CheckedContinuation<ConnectionError?, Never>?
  private var writeTimer: Scheduled<Void>?
  private var timer: (task: Scheduled<Void>, at: NIODeadline)?
  private var isStalled = false
  private var discarded = 0

  init(channel: any Channel, settings: WireSettings) {
    self.channel = channel
    self.settings = settings
  }

  // MARK: Waiting for input

  /// Sends, then answers now or later with input; at most one wait at a time.
  func wait(_ wait: Wait, sending output: ByteBuffer?, _ continuation: CheckedContinuation<Outcome, Never>) {
    if let output { send(output) }
    open()
    if case .ended? = notice, let notice { return continuation.resume(returning: .failed(notice)) }
    if !channel.isWritable, !isClosed { return continuation.resume(returning: .blocked) }
    if pending.readableBytes > 0 { return continuation.resume(returning: .data(takePending())) }
    if ended || isClosed { return continuation.resume(returning: .end) }
    if let notice, wait.heedsShutdown { return continuation.resume(returning: .failed(notice)) }
    if wakeIsPending {
      wakeIsPending = false
      return continuation.resume(returning: .woken)
    }
    reader = (continuation, wait)
    arm(wait.deadline)
  }

  /// Begins to read; before that, octets stay with the kernel.
  func open() {
    guard mode == .waiting else { return }
    mode = .open
    context?.read()
  }

  /// Ends a wait with `.woken`, or the next one.
  func wake() {
    if reader == nil { wakeIsPending = true } else { answer(.woken) }
  }

  /// Takes word from the server, shutting down or ended; the first `.ended` stays.
  func notify(_ error: ConnectionError) {
    if case .ended? = notice { return }
    notice = error
    guard let reader else { return }
    if case .shuttingDown = error, !reader.wait.heedsShutdown { return }
    answer(.failed(error))
  }

  /// Drops everything that has arrived, also what the kernel holds (CVE-2011-0411).
  func dropInput() {
    pending = ByteBuffer()
    _ = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { socket in
      var scratch = [UInt8](repeating: 0, count: 4096)
      var dropped = 0
      while dropped < settings.swallowLimit {
        let count = recv(socket, &scratch, scratch.count, Int32(MSG_DONTWAIT))
        if count <= 0 { break }
        dropped += count
      }
    }
  }

  /// Reads on, but only to drop what comes.
  func discardInput() {
    if mode == .waiting { isStalled = true }
    mode = .discarding
    pending = ByteBuffer()
    readOn()
  }

  /// Gives what has arrived and goes on reading.
  func takePending() -> ByteBuffer {
    let taken = pending
    pending = ByteBuffer()
    readOn()
    return taken
  }

  private func answer(_ outcome: Outcome) {
    guard let waiting = reader else { return }
    reader = nil
    waiting.continuation.resume(returning: outcome)
  }

  // One timer serves many waits: it is left alone when a wait ends, and looks at the current one when it fires.
  private func arm(_ deadline: NIODeadline) {
    if let timer {
      if timer.at <= deadline { return }
      timer.task.cancel()
    }
    let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
    timer = (channel.eventLoop.scheduleTask(deadline: deadline) { bound.value.timerFired() }, deadline)
  }

  private func timerFired() {
    timer = nil
    guard let reader else { return }
    if reader.wait.deadline <= .now() {
      answer(.failed(reader.wait.isTotal ? .deadlinePassed : .timeout))
    } else {
      arm(reader.wait.deadline)
    }
  }

  // MARK: Output

  /// Hands octets to the channel.
  func send(_ buffer: ByteBuffer) {
    guard !isClosed else { return }
    channel.writeAndFlush(buffer, promise: nil)
  }

  /// Answers when the channel takes more output: `nil`, or why it never will.
  func waitWritable(_ continuation: CheckedContinuation<ConnectionError?, Never>) {
    if isClosed { return continuation.resume(returning: .closed) }
    if channel.isWritable { return continuation.resume(returning: nil) }
    writer = continuation
    let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
    writeTimer = channel.eventLoop.scheduleTask(in: TimeAmount(settings.writeTimeout)) {
      bound.value.answerWriter(.timeout)
      bound.value.channel.close(promise: nil)
    }
  }

  private func answerWriter(_ error: ConnectionError?) {
    guard let waiting = writer else { return }
    writer = nil
    writeTimer?.cancel()
    writeTimer = nil
    waiting.resume(returning: error)
  }

  // MARK: What the channel says

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    closed()
  }

  func channelActive(context: ChannelHandlerContext) {
    onActive?()
    onActive = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = unwrapInboundIn(data)
    switch mode {
    case .discarding:
      discarded += buffer.readableBytes
    case .handshake:
      break
    default:
      if pending.readableBytes == 0 { pending = buffer } else { pending.writeBuffer(&buffer) }
      if reader != nil {
        let taken = pending
        pending = ByteBuffer()
        answer(.data(taken))
      }
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isStalled = true
    readOn()
  }

  func readOn() {
    guard isStalled, !ended, mode != .waiting else { return }
    let room = mode == .discarding ? discarded < settings.swallowLimit : pending.readableBytes < settings.readAhead
    guard room else { return }
    isStalled = false
    context?.read()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if channel.isWritable { answerWriter(nil) }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .inputClosed? = event as? ChannelEvent { return endOfInput() }
    handshakeEvent(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if handshakeFailed(error) { return }
    // A client that hangs up without close_notify has ended its input, no more.
    if isUncleanShutdown(error) { return endOfInput() }
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) { closed() }

  private func endOfInput() {
    ended = true
    _ = handshakeFailed(ConnectionError.closed)
    answer(.end)
    finishFarewell()
  }

  private func closed() {
    guard !isClosed else { return }
    isClosed = true
    timer?.task.cancel()
    timer = nil
    onActive = nil
    answerWriter(.closed)
    endOfInput()
  }
}
