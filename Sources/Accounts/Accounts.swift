import Basics
import GRDB
import Logging
import MailSyntax
import Wire

/// The rules of domains, accounts, offers, aliases, passwords and quotas, over the host's database.
///
/// One value per process; every method may be called from any task and never blocks it. Verbs throw ``AccountsError``,
/// logins `LoginRefusal`.
///
///     let accounts = try Accounts(database: database, time: SystemTime(), hasher: PasswordHasher(), log: log)
///     try await accounts.addDomain("example.test", postmaster: .none)
///     try await accounts.addAccount(NewAccount("alice%example.test", password: .clear(secret)))
package final class Accounts: Sendable {
  let database: HostDatabase
  let settings: AccountSettings
  let time: any TimeSource
  let hasher: PasswordHasher
  let log: Logger
  let secret: HostSecret
  let verified: VerifiedLogins
  let history: LoginHistory
  let upgrades: HashUpgrades
  let feed: ChangeFeed
  let directory: DirectoryCache
  let observer = Observer<LoginNotice>()

  /// Brings this room's tables up to date and makes the room.
  ///
  /// - Throws: ``HostDatabaseError`` when the file is of a newer version or cannot be used.
  package init(
    database: HostDatabase, settings: AccountSettings = AccountSettings(), time: any TimeSource, hasher: PasswordHasher,
    log: Logger
  ) throws {
    try database.migrate(AccountsSchema.room, AccountsSchema.steps)
    self.database = database
    self.settings = settings
    self.time = time
    self.hasher = hasher
    self.log = log
    do {
      secret = try HostSecret(database: database)
      feed = try ChangeFeed(database: database, keptRows: settings.keptChanges, log: log)
      directory = DirectoryCache(
        stamp: try DirectoryStamp(path: database.path), capacity: settings.rememberedRecipients)
    } catch {
      throw HostDatabaseError(wrapping: error, path: database.path)
    }
    verified = VerifiedLogins(
      lifetime: settings.verifiedLoginLifetime, capacity: settings.verifiedLogins, time: time)
    history = LoginHistory(database: database, limit: settings.loginHistoryBatch, log: log)
    upgrades = HashUpgrades(database: database, hasher: hasher, settings: settings, log: log)
  }

  /// Follows other processes' changes and writes collected last logins, until the task is cancelled; then writes the
  /// rest.
  package func run() async {
    var sinceFlush: Duration = .zero
    while !Task.isCancelled {
      do { try await time.sleep(for: settings.changePoll) } catch { break }
      await feed.poll()
      sinceFlush += settings.changePoll
      if sinceFlush >= settings.loginHistoryDelay {
        sinceFlush = .zero
        await history.flush()
      }
    }
    await settle()
  }

  /// Writes what was only collected in memory, and waits for what runs beside logins.
  package func settle() async {
    await upgrades.settle()
    await history.flush()
  }

  /// Looks for changes at once, when somebody knows that another process made one.
  package func poke() { Task { [feed] in await feed.poll() } }

  /// Every change of every account from now on.
  ///
  /// The stream ends when its reader falls 10,000 changes behind: it has to look at its accounts again then.
  package func accountChanges() -> AsyncStream<AccountChange> {
    AsyncStream(bufferingPolicy: .bufferingOldest(10_000)) { [feed] continuation in
      let watch = feed.watch(nil) { change in
        if case .dropped = continuation.yield(change) { continuation.finish() }
      }
      continuation.onTermination = { _ in watch.cancel() }
    }
  }

  /// Calls back for every change of one account until the token is cancelled or released.
  ///
  /// - Parameter onChange: must be short and must not wait; it may run on any thread.
  package func watch(
    account id: Int64, _ onChange: @escaping @Sendable (AccountChange) -> Void
  ) -> AccountWatch {
    feed.watch(id, onChange)
  }

  // MARK: - For the verbs

  var names: Names { Names(settings: settings) }

  /// Reads; the database's troubles become ``AccountsError`` with code `temporary`.
  func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
    do {
      return try await database.read(body)
    } catch let error as CancellationError {
      throw error
    } catch {
      throw AccountsError(wrapping: error)
    }
  }

  /// Writes durably and tells this process's sessions before it returns.
  func change<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
    do {
      let result = try await database.write(body)
      await feed.poll()
      return result
    } catch {
      throw AccountsError(wrapping: error)
    }
  }

  /// Runs what may meet a full hasher, in terms of a verb.
  func answering<T: Sendable>(_ body: () async throws -> T) async throws -> T {
    do {
      return try await body()
    } catch is LoginRefusal {
      throw AccountsError.busy
    }
  }
}
