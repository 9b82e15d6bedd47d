import NIOPosix

/// Work that blocks and takes much memory, done one piece at a time for the whole store, on a file thread.
actor LoneWork {
  private let lane: Lane

  nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

  init(pool: NIOThreadPool) { lane = Lane(pool: pool) }

  /// Waits for its turn.
  func run<Result: Sendable>(_ body: @Sendable () throws -> Result) rethrows -> Result { try body() }
}
