import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Takes log lines from any thread and writes them to a descriptor from a thread of its own, so that no session waits
/// for whoever reads the log.
///
/// What nobody takes is dropped beyond a bound, and counted in the log itself.
final class LogStream: Sendable {
  /// The process's standard error; what is left is written when the process ends.
  static let standardError: LogStream = {
    let stream = LogStream(descriptor: STDERR_FILENO)
    atexit { LogStream.standardError.finish(within: 1000) }
    return stream
  }()

  private struct State {
    var waiting: [UInt8] = []
    var dropped = 0
    var isWriting = false
    var hasThread = false
  }
  private let state = Mutex(State())
  /// Posted when lines wait; POSIX semaphores may be posted from any thread.
  private let ready: Semaphore
  private let descriptor: CInt
  private let limit: Int

  /// - Parameter limit: octets that may wait.
  init(descriptor: CInt, limit: Int = 1 << 20) {
    self.descriptor = descriptor
    self.limit = limit
    ready = Semaphore()
  }

  /// Hands one line over; never waits for the descriptor.
  func append(_ line: String) {
    let mustWake = state.withLock { state in
      guard state.waiting.count + line.utf8.count <= limit else {
        state.dropped += 1
        return false
      }
      let wasEmpty = state.waiting.isEmpty
      state.waiting += line.utf8
      if !state.hasThread {
        state.hasThread = startThread()
        // Without a thread of its own the line is written here.
        if !state.hasThread { drain(&state) }
      }
      return wasEmpty
    }
    if mustWake { ready.post() }
  }

  /// Waits until all lines are written, for so many milliseconds at most.
  func finish(within milliseconds: Int) {
    for _ in 0..<max(1, milliseconds) {
      let isDone = state.withLock { $0.waiting.isEmpty && !$0.isWriting }
      if isDone { return }
      usleep(1000)
    }
  }

  private func startThread() -> Bool {
    var thread = pthread_t()
    let reference = Unmanaged.passRetained(self)
    let code = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<LogStream>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, reference.toOpaque())
    guard code == 0 else {
      reference.release()
      return false
    }
    pthread_detach(thread)
    return true
  }

  private func run() {
    while true {
      ready.wait()
      // Lines come in groups; a moment's patience writes a group at once.
      usleep(2000)
      let (lines, dropped) = state.withLock { state in
        defer {
          state.waiting = []
          state.dropped = 0
          state.isWriting = true
        }
        return (state.waiting, state.dropped)
      }
      write(lines)
      if dropped > 0 { write(Array("\(dropped) log lines were lost: nobody took them\n".utf8)) }
      state.withLock { $0.isWriting = false }
    }
  }

  private func drain(_ state: inout State) {
    write(state.waiting)
    state.waiting = []
  }

  private func write(_ lines: [UInt8]) {
    lines.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count, let base = buffer.baseAddress {
        let count = Glibc.write(descriptor, base + done, buffer.count - done)
        if count > 0 {
          done += count
        } else if count < 0, errno == EAGAIN {
          var waiter = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          poll(&waiter, 1, -1)
        } else if count < 0, errno != EINTR {
          return
        }
      }
    }
  }
}

/// A POSIX semaphore; its memory never moves.
private final class Semaphore: @unchecked Sendable {
  private let pointer: UnsafeMutablePointer<sem_t>

  init() {
    pointer = .allocate(capacity: 1)
    sem_init(pointer, 0, 0)
  }

  deinit {
    sem_destroy(pointer)
    pointer.deallocate()
  }

  func post() { sem_post(pointer) }

  func wait() { while sem_wait(pointer) != 0 && errno == EINTR {} }
}
