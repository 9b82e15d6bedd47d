import NIOPosix
import Synchronization
import Wire

#if canImport(Glibc)
  import Glibc
#endif

/// Hashes and verifies passwords on threads of its own, so that neither event loops nor the cooperative pool wait.
///
/// As many threads as cores; a bounded number of callers waits for one, the next gets `LoginRefusal.busy`. The threads
/// end when the hasher is released.
package final class PasswordHasher: Sendable {
  /// What is kept of a password that was given in clear.
  struct Secrets: Sendable {
    let hash: String
    /// Missing for a password SCRAM cannot carry (RFC 4013 forbids some characters).
    let scram: SCRAMKeys?
  }

  private let settings: HasherSettings
  private let pool: NIOThreadPool
  private let waiting = Atomic<Int>(0)

  /// Starts the threads.
  package init(settings: HasherSettings = HasherSettings()) {
    self.settings = settings
    let cores = max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN)))
    pool = NIOThreadPool(numberOfThreads: settings.threads > 0 ? settings.threads : cores)
    pool.start()
  }

  deinit { pool.shutdownGracefully { _ in } }

  /// Whether a password fits a stored one; a stored string of an unknown kind fits nothing.
  func verify(_ password: [UInt8], against stored: String) async throws -> Bool {
    try await run {
      guard let known = try? StoredPassword(stored) else { return false }
      // No short cut: how many forms are tried depends on the password alone.
      return PasswordPreparation.candidates(password).map(known.matches).contains(true)
    }
  }

  /// What to store of a new password: a yescrypt hash and SCRAM-SHA-256 keys with a fresh salt.
  func secrets(for password: [UInt8], iterations: Int) async throws -> Secrets {
    let cost = settings.cost
    return try await run {
      let prepared = PasswordPreparation.prepared(password)
      guard let setting = Crypt.yescryptSetting(cost: cost), let hash = Crypt.hash(prepared, setting: setting) else {
        throw AccountsError(.usage, "a password may be neither empty nor hold a NUL, and at most 500 octets long")
      }
      return Secrets(hash: hash, scram: Self.keys(prepared, iterations))
    }
  }

  /// SCRAM-SHA-256 keys alone, for a password whose hash is right already.
  func scramKeys(for password: [UInt8], iterations: Int) async throws -> SCRAMKeys? {
    try await run { Self.keys(PasswordPreparation.prepared(password), iterations) }
  }

  private static func keys(_ prepared: [UInt8], _ iterations: Int) -> SCRAMKeys? {
    try? SCRAMKeys.derive(password: prepared, salt: randomBytes(16), iterations: iterations)
  }

  /// A string of the kind new hashes are, which no password fits: what a login is verified against on a host without
  /// accounts.
  var dummyHash: String { Crypt.yescryptSetting(cost: settings.cost) ?? "$y$j9T$martinetmartinetmart" }

  /// Runs one piece of work on the pool; cancelling the caller does not stop it, as others may wait for its result.
  private func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    guard waiting.wrappingAdd(1, ordering: .relaxed).newValue <= settings.queue + pool.numberOfThreads else {
      waiting.wrappingSubtract(1, ordering: .relaxed)
      throw LoginRefusal.busy
    }
    defer { waiting.wrappingSubtract(1, ordering: .relaxed) }
    return try await withCheckedThrowingContinuation { continuation in
      pool.submit { state in
        guard state == .active else { return continuation.resume(throwing: LoginRefusal.temporaryFailure) }
        continuation.resume(with: Result { try work() })
      }
    }
  }
}
