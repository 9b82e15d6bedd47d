import NIOConcurrencyHelpers
import NIOCore
import NIOSSL
import NIOTLS

/// What a `LoopbackClient` has received and not used yet.
final class ClientInbox: Sendable {
  enum Line { case line([UInt8]), end, wait }

  private struct State {
    var received: [UInt8] = []
    var used = 0
    var ended = false
    var secure = false
    var errorText = ""
    var transcript: [String] = []
    var changed = false
    var waiter: CheckedContinuation<Void, Never>?
  }
  // Not Mutex: ThreadSanitizer does not see its contended path and reports races that are none.
  private let state = NIOLockedValueBox(State())

  var isAtEnd: Bool { state.withLockedValue { $0.ended } }
  var isSecure: Bool { state.withLockedValue { $0.secure } }
  var errorText: String { state.withLockedValue { $0.errorText } }
  var count: Int { state.withLockedValue { $0.received.count - $0.used } }
  var transcript: String { state.withLockedValue { $0.transcript.joined(separator: "\n") } }

  func note(_ line: String) {
    state.withLockedValue { state in
      if state.transcript.count > 400 { state.transcript.removeFirst(200) }
      state.transcript.append(line)
    }
  }

  func takeLine() -> Line {
    state.withLockedValue { state in
      guard let end = state.received[state.used...].firstIndex(of: 0x0a) else { return state.ended ? .end : .wait }
      var line = state.received[state.used..<end]
      if line.last == 0x0d { line.removeLast() }
      state.used = end + 1
      Self.compact(&state)
      return .line(Array(line))
    }
  }

  func take(_ count: Int) -> [UInt8]? {
    state.withLockedValue { state in
      guard state.received.count - state.used >= count else { return nil }
      let bytes = Array(state.received[state.used..<state.used + count])
      state.used += count
      Self.compact(&state)
      return bytes
    }
  }

  /// Comes back when something has changed since the last call.
  func wait() async {
    await withCheckedContinuation { continuation in
      let now = state.withLockedValue { state in
        if state.changed {
          state.changed = false
          return true
        }
        state.waiter = continuation
        return false
      }
      if now { continuation.resume() }
    }
  }

  func wake() { change { _ in } }
  func append(_ bytes: some Sequence<UInt8>) { change { $0.received += bytes } }
  func end() { change { $0.ended = true } }
  func secured() { change { $0.secure = true } }
  func failed(_ error: any Error) { change { $0.errorText = "\(error)" } }

  private func change(_ body: (inout State) -> Void) {
    let waiter = state.withLockedValue { state in
      body(&state)
      defer { state.waiter = nil }
      state.changed = state.waiter == nil
      return state.waiter
    }
    waiter?.resume()
  }

  private static func compact(_ state: inout State) {
    if state.used == state.received.count {
      state.received.removeAll(keepingCapacity: true)
      state.used = 0
    } else if state.used > 1 << 16 {
      state.received.removeFirst(state.used)
      state.used = 0
    }
  }
}

/// Moves what the channel reads into the inbox.
final class ClientInboxHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  private let inbox: ClientInbox

  init(_ inbox: ClientInbox) { self.inbox = inbox }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    inbox.append(unwrapInboundIn(data).readableBytesView)
  }

  func channelInactive(context: ChannelHandlerContext) { inbox.end() }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .inputClosed? = event as? ChannelEvent { inbox.end() }
    if case .handshakeCompleted? = event as? TLSUserEvent { inbox.secured() }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    inbox.failed(error)
    if case NIOSSLError.uncleanShutdown = error { return }
    context.close(promise: nil)
  }
}
