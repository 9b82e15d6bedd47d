import Accounts
import Basics
import Configuration
import Inspection
import MailQueue
import MailStore
import RelayAccess

#if canImport(Glibc)
  import Glibc
#endif

/// A look at a whole data folder: database, queue, mail files, indexes, quotas.
///
/// Opens nothing for writing and makes nothing, so that it can be trusted after a crash, with or beside a server.
package struct HostInspection: Sendable {
  /// What was found.
  package private(set) var report = InspectionReport()
  /// Accounts, folders and messages looked at.
  package private(set) var mail = (accounts: 0, folders: 0, messages: 0)
  /// Messages in the queue.
  package private(set) var queued = 0

  /// Looks.
  ///
  /// - Parameter isQuick: leaves out what reads every octet.
  /// - Throws: `SetupError` when there is no data folder, or one of another version.
  package init(_ configuration: Configuration, isQuick: Bool, time: any TimeSource = SystemTime()) async throws {
    let folder = DataFolder(path: configuration.data)
    try folder.checkForReading()
    let depth = InspectionDepth(isServing: folder.isServed, isQuick: isQuick)
    let accounts = AccountsInspection(
      path: folder.accountsDatabase, schemas: [AccountsInspection.schema, RelayAccess.schema], depth: depth)
    report.add(accounts.report)
    let queue = QueueInspection(settings: MailQueueSettings(configuration, folder), now: time.now, depth: depth)
    report.add(queue.report)
    queued = queue.messages
    let known = accounts.mailboxes?.map { mailbox in
      MailAccount(key: mailbox.key, directory: "\(folder.mail)/\(mailbox.directory)")
    }
    let found = await MailInspection.run(
      root: folder.mail, known: known, settings: MailStoreSettings(configuration, folder), now: time.now, depth: depth)
    report.add(found.report)
    let log = "\(folder.path)/log.db"
    if let size = DatabaseFile(path: log).size, size > 0 {
      let remedy = "no mail hangs on it: the server puts it aside at the next start and begins a new one"
      _ = report.inspectDatabase(log, remedy: remedy, depth: depth)
    }
    mail = (found.accounts, found.folders, found.messages)
  }
}

extension HostRooms {
  /// Looks at one account's files, index and quota; changes nothing, blocks.
  package func inspect(_ account: Account, time: any TimeSource = SystemTime()) -> MailInspection {
    MailInspection(
      mailAccount(account), settings: store.settings, now: time.now, depth: InspectionDepth(isServing: folder.isServed))
  }
}

extension DataFolder {
  /// Checks that the folder is there and of this version; makes nothing.
  func checkForReading() throws {
    var info = stat()
    guard stat(path, &info) == 0 else {
      let reason = Self.reason()
      throw SetupError("the data folder \(path) cannot be read: \(reason); make one with: martinet init")
    }
    guard access(path, R_OK | X_OK) == 0 else {
      throw SetupError("the data folder \(path) belongs to uid \(info.st_uid): run this as that user, or as root")
    }
    try checkVersion()
  }

  /// Whether a server runs on the folder.
  var isServed: Bool {
    let descriptor = open("\(run)/martinet.lock", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0
  }
}
