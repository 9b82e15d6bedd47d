import Foundation
import GRDB
import Logging
import Synchronization
import Wire

/// Rewrites old hashes as yescrypt and adds missing SCRAM keys when a login has just shown the clear password.
///
/// It runs beside the login, at most once per account at a time. `password_changed_at` stays: nothing changed for the
/// owner, so no session and no lease ends.
final class HashUpgrades: Sendable {
  private let running = Mutex<[Int64: Task<Void, Never>]>([:])
  private let database: HostDatabase
  private let hasher: PasswordHasher
  private let settings: AccountSettings
  private let log: Logger

  init(database: HostDatabase, hasher: PasswordHasher, settings: AccountSettings, log: Logger) {
    self.database = database
    self.hasher = hasher
    self.settings = settings
    self.log = log
  }

  /// Starts an upgrade when the stored password needs one.
  func consider(_ record: AccountRecord, password: [UInt8]) {
    let isCurrent = StoredPassword.isCurrent(record.password)
    guard settings.upgradesHashes, !isCurrent || record.scram == nil else { return }
    let id = record.account.id
    running.withLock { tasks in
      guard tasks[id] == nil, tasks.count < settings.loginHistoryBatch else { return }
      tasks[id] = Task { [self] in
        await upgrade(record, password: password, keepsHash: isCurrent)
        running.withLock { $0[id] = nil }
      }
    }
  }

  /// Waits for what is under way; for tests and an orderly end.
  func settle() async {
    for task in running.withLock({ Array($0.values) }) { await task.value }
  }

  private func upgrade(_ record: AccountRecord, password: [UInt8], keepsHash: Bool) async {
    do {
      let (id, old, iterations) = (record.account.id, record.password, settings.scramIterations)
      let secrets: PasswordHasher.Secrets
      if keepsHash {
        secrets = .init(hash: old, scram: try await hasher.scramKeys(for: password, iterations: iterations))
      } else {
        secrets = try await hasher.secrets(for: password, iterations: iterations)
      }
      let keys = secrets.scram
      guard !keepsHash || keys != nil else { return }
      try await database.write { database in
        try database.execute(
          sql: """
            UPDATE account SET password = ?, scram_salt = ?, scram_iterations = ?, scram_stored_key = ?,
              scram_server_key = ? WHERE id = ? AND password = ?
            """,
          arguments: [
            secrets.hash, keys.map { Data($0.salt) }, keys?.iterations, keys.map { Data($0.storedKey) },
            keys.map { Data($0.serverKey) }, id, old,
          ])
      }
    } catch LoginRefusal.busy {
      // Real logins come first; the next one tries again.
    } catch {
      log.warning(
        "a password hash cannot be upgraded", metadata: ["account": "\(record.account.key)", "error": "\(error)"])
    }
  }
}
