import Basics
import CFiles
import Glibc

/// One import: a survey of source and target, then folder by folder in batches.
///
/// Blocks; its steps follow each other, whatever thread each runs on. It writes the index over a connection of its own,
/// as another process would, and never holds a folder's view: memory does not grow with the mail.
final class MailImport: @unchecked Sendable {
  let store: AccountStore
  let account: MailAccount
  let options: MailImportOptions
  let root: SourceDirectory
  let source: SourceFolders
  let catalog: ImportCatalog
  private var lock: Int32
  private let scratch: String
  private(set) var index: Index?
  private(set) var warnings: [String] = []
  private var unlisted = 0
  /// The lists' UIDVALIDITY and UIDNEXT, by folder.
  var numbers: [MailboxName: (uidValidity: UInt32, uidNext: UInt32)] = [:]
  /// The unique ids that are taken, once that is decided.
  var uniqueIDs = UniqueIDOrigin.none
  /// What became of each folder.
  var folders: [ImportedFolder] = []
  var largeMessages = 0
  var hashedIDs = 0
  var droppedKeywords: Set<String> = []
  /// Of the folder looked at last.
  var keywordLetters: (name: MailboxName, letters: DovecotKeywords)?

  /// Files that wait under these names until they are part of their folder; never swept while this runs.
  var staging: String { store.maildir + "/tmp/import" }
  private static let mostWarnings = 100

  /// - Throws: `StoreError`: the source is no Maildir, or another import of the account runs.
  init(_ store: AccountStore, _ account: MailAccount, _ options: MailImportOptions) throws {
    self.store = store
    self.account = account
    self.options = options
    root = try SourceDirectory(options.directory)
    source = try SourceFolders(root, most: store.host.settings.foldersPerAccount)
    let isThere = FileSystem.exists(store.directory)
    lock = isThere ? open(store.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1
    if isThere {
      guard lock >= 0 else { throw FileSystem.failure("open", store.directory) }
      var facts = stat()
      guard fstat(lock, &facts) == 0, options.isDryRun || facts.st_uid == geteuid() else {
        close(lock)
        throw StoreError(
          .notAllowed,
          "\(store.directory) belongs to user \(facts.st_uid); run this as that user, so that the server can read it"
        )
      }
      guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
        close(lock)
        throw StoreError(.temporary, "another import into \(account.key) is running; wait for its end")
      }
    }
    scratch = isThere ? store.directory + "/import.scratch" : ""
    let memory = store.directory + "/import.db"
    let keepsMemory = isThere && (!options.isDryRun || FileSystem.exists(memory))
    do {
      catalog = try ImportCatalog(
        scratch: scratch, memory: keepsMemory ? memory : nil, busy: store.host.settings.databaseBusy)
    } catch {
      if lock >= 0 { close(lock) }
      throw (error as? DatabaseError)?.asStoreError ?? error
    }
    for warning in source.warnings { warn(warning) }
    guard FileSystem.exists(store.indexPath) else { return }
    do { try reopenIndex() } catch {
      release()
      throw (error as? DatabaseError)?.asStoreError ?? error
    }
  }

  deinit { release() }

  /// Lets other imports of the account begin.
  func release() {
    guard lock >= 0 else { return }
    if !options.isDryRun { try? FileSystem.removeTree(staging) }
    unlink(scratch)
    close(lock)
    lock = -1
  }

  /// Opens the index that came to be since.
  func reopenIndex() throws { index = try Index(path: store.indexPath, busy: store.host.settings.databaseBusy) }

  /// Notes something the owner should know.
  func warn(_ text: String) {
    if warnings.count < Self.mostWarnings { warnings.append(text) } else { unlisted += 1 }
  }

  /// Says why a file is left out.
  func refuse(_ path: String, _ reason: String, _ folder: inout ImportedFolder) {
    folder.refused += 1
    warn("\(path): \(reason)")
  }

  /// Makes an empty place for files on their way.
  func prepareStaging() throws {
    try FileSystem.removeTree(staging)
    try FileSystem.makeDirectory(staging)
  }

  /// What was done, once all folders are.
  func result() -> ImportOutcome {
    var outcome = ImportOutcome()
    outcome.folders = folders
    outcome.uniqueIDs = uniqueIDs.text
    outcome.isPartial = !source.warnings.isEmpty || folders.contains { $0.refused > 0 }
    for folder in folders {
      outcome.messages += folder.added
      outcome.bytes += folder.addedBytes
    }
    if hashedIDs > 0 {
      warn("\(hashedIDs) unique ids are no ids of RFC 1939 (70 characters): POP3 clients load these messages again")
    }
    if !droppedKeywords.isEmpty {
      let names = droppedKeywords.sorted().prefix(10).joined(separator: ", ")
      warn("keywords for which there was no room, or which are none: \(names)")
    }
    if largeMessages > 0, let limit = options.largeMessage {
      warn("\(largeMessages) messages are larger than the limit of \(ByteSize(limit)); they are taken all the same")
    }
    outcome.warnings = warnings
    if unlisted > 0 { outcome.warnings.append("and \(unlisted) more") }
    return outcome
  }
}
