import Glibc
import Logging
import NIOCore

/// Lets a listener rest while the process or the machine has nothing left to accept with.
///
/// A waiting connection makes the listener readable again and again; without a rest an event loop would do nothing but
/// fail to accept it, and NIO's own `AcceptBackoffHandler` does not stop that.
final class AcceptPause: ChannelInboundHandler {
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel

  private let listener: String
  private let log: Logger
  private var isPaused = false
  private var quietUntil = NIODeadline.uptimeNanoseconds(0)

  /// How long a listener rests.
  static let pause = TimeAmount.milliseconds(500)
  /// How long the log stays silent about more of the same.
  static let silence = TimeAmount.seconds(30)

  init(listener: String, log: Logger) {
    self.listener = listener
    self.log = log
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Anything else concerns one connection, which is gone from the queue then.
    guard let failure = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(failure.errnoCode) else { return }
    let now = NIODeadline.now()
    if now >= quietUntil {
      quietUntil = now + Self.silence
      log.error(
        "connections have to wait; raise the limit of open files (ulimit -n, LimitNOFILE) or lower limits.connections",
        metadata: ["listener": "\(listener)", "error": "\(String(cString: strerror(failure.errnoCode)))"])
    }
    guard !isPaused else { return }
    isPaused = true
    let channel = context.channel
    channel.setOption(.autoRead, value: false).whenFailure { _ in }
    let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
    context.eventLoop.scheduleTask(in: Self.pause) {
      handler.value.isPaused = false
      channel.setOption(.autoRead, value: true).whenFailure { _ in }
    }
  }
}
