import Glibc
import NIOCore

extension Connection {
  /// Reads and drops input for a moment after the last reply.
  ///
  /// A socket closed with unread input sends a reset, which may destroy the reply on its way to the client.
  ///
  /// - Parameter always: also when no unread input is known of.
  nonisolated(nonsending) func linger(always: Bool) async {
    guard tls == nil else { return }
    let isNeeded = always || hasBufferedInput
    let limit = TimeAmount(settings.lingerTimeout)
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      onLoop { gate in
        guard isNeeded || gate.kernelHoldsInput() || gate.kernelHoldsOutput() else { return continuation.resume() }
        gate.discardUntilEnd(within: limit, continuation)
      }
    }
  }
}

extension InputGate {
  /// Ends our side, and drops what still comes until the client ends its side or the time is over.
  func discardUntilEnd(within limit: TimeAmount, _ continuation: CheckedContinuation<Void, Never>) {
    guard !isClosed, !ended else { return continuation.resume() }
    discardInput()
    farewell = continuation
    channel.close(mode: .output, promise: nil)
    let channel = self.channel
    farewellTimer = channel.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
  }

  /// Whether octets lie in the socket that nobody has read.
  func kernelHoldsInput() -> Bool {
    let count = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
      var octet: UInt8 = 0
      return recv($0, &octet, 1, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK))
    }
    return (count ?? 0) > 0
  }

  /// Whether octets of the reply have not reached the client: input that comes now would cost it these.
  func kernelHoldsOutput() -> Bool {
    let count = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
      var waiting: Int32 = 0
      return ioctl($0, UInt(TIOCOUTQ), &waiting) == 0 ? waiting : 0
    }
    return (count ?? 0) > 0
  }

  /// The client's end has come.
  func finishFarewell() {
    farewellTimer?.cancel()
    farewellTimer = nil
    farewell?.resume()
    farewell = nil
  }
}
