import Glibc
import NIOCore

extension Connection {
  /// Reads and drops input for a moment after the last reply.
  ///
  /// A socket closed with unread input sends a reset, which may destroy the reply on its way to the client.
  ///
  /// - Parameter always: also when no unread input is known of.
  nonisolated(nonsending) func linger(always: Bool) async {
    let hasMore = hasBufferedInput
    guard tls == nil, always || hasMore else { return }
    let limit = TimeAmount(settings.lingerTimeout)
    let ended: Void = await withCheckedContinuation { continuation in
      onLoop { gate in gate.discardUntilEnd(within: limit, continuation) }
    }
    return ended
  }
}

extension InputGate {
  /// Ends our side, and drops what still comes until the client ends its side or the time is over.
  func discardUntilEnd(within limit: TimeAmount, _ continuation: CheckedContinuation<Void, Never>) {
    guard !isClosed, !ended else { return continuation.resume() }
    mode = .discarding
    farewell = continuation
    channel.close(mode: .output, promise: nil)
    let channel = self.channel
    farewellTimer = channel.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
    readOn()
  }

  /// The client's end has come.
  func finishFarewell() {
    farewellTimer?.cancel()
    farewellTimer = nil
    farewell?.resume()
    farewell = nil
  }
}
