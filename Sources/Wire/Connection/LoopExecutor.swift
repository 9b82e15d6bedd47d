import NIOCore

/// Runs a connection's task on the connection's own event loop, so that a command crosses no thread (SE-0417).
final class LoopExecutor: TaskExecutor {
  private let loop: any EventLoop
  /// Memory of a large reply that has been sent, for the next one on this loop; used on the loop only.
  ///
  /// Giving so much back each time would cost its page faults anew for every reply.
  private nonisolated(unsafe) var spare: ByteBuffer?
  /// What is not worth keeping, and what is too much to keep.
  private static let sizes = 32 * 1024...256 * 1024

  init(_ loop: any EventLoop) { self.loop = loop }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }

  /// A buffer with room for so much: the spare one when whoever sent it is done with it.
  func takeSpare(capacity: Int) -> ByteBuffer? {
    guard loop.inEventLoop, var buffer = spare else { return nil }
    spare = nil
    // Copies when the channel still holds it.
    buffer.clear(minimumCapacity: capacity)
    return buffer
  }

  /// Remembers a buffer that is being sent.
  func keepSpare(_ buffer: ByteBuffer) {
    guard Self.sizes.contains(buffer.capacity), loop.inEventLoop else { return }
    spare = buffer
  }
}
