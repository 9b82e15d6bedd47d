import Basics
import Glibc
import Inspection

/// What the mail on disk says about itself without being opened for use.
package struct MailInspection: Sendable {
  /// What was found.
  package private(set) var report = InspectionReport()
  /// Accounts looked at.
  package private(set) var accounts = 0
  /// Folders looked at.
  package private(set) var folders = 0
  /// Messages looked at.
  package private(set) var messages = 0

  /// Looks at the files, index and quota of every account, a few at a time; changes nothing, may run beside a server.
  ///
  /// For a command's own process: it blocks threads of the cooperative pool.
  ///
  /// - Parameters:
  ///   - root: the mail folder, `<root>/<domain>/<user>`.
  ///   - known: the accounts there should be; `nil` when nobody knows.
  package static func run(
    root: String, known: [MailAccount]?, settings: MailStoreSettings, now: Timestamp, depth: InspectionDepth
  ) async -> MailInspection {
    let found = FileSystem.names(root).sorted().flatMap { domain in
      FileSystem.names("\(root)/\(domain)").sorted().map { "\(root)/\(domain)/\($0)" }
    }.filter { FileSystem.facts($0)?.isDirectory == true }
    var whole = MailInspection()
    var directories = found.map { ($0, "") }
    if let known {
      let wanted = Set(known.map(\.directory))
      directories = known.map { ($0.directory, $0.key) }
      for path in found where !wanted.contains(path) {
        whole.report.add(
          .note, path, "no account has this directory",
          remedy: "kept mail of an account that was removed; remove it, or add the account again")
      }
    }
    await withTaskGroup(of: MailInspection.self) { group in
      var rest = directories[...]
      func next() {
        guard let (directory, key) = rest.popFirst() else { return }
        group.addTask {
          MailInspection(MailAccount(key: key, directory: directory), settings: settings, now: now, depth: depth)
        }
      }
      for _ in 0..<2 { next() }
      for await part in group {
        whole.add(part)
        next()
      }
    }
    return whole
  }

  /// Looks at one account; blocks.
  package init(_ account: MailAccount, settings: MailStoreSettings, now: Timestamp, depth: InspectionDepth) {
    var inspector = MailboxInspector(
      directory: account.directory, key: account.key, temporaryFileAge: settings.temporaryFileAge, now: now,
      depth: depth)
    inspector.run()
    self.init(inspector)
  }

  private init() {}

  private init(_ inspector: MailboxInspector) {
    report = inspector.report
    accounts = 1
    folders = inspector.folders
    messages = inspector.messages
  }

  private mutating func add(_ part: MailInspection) {
    report.add(part.report)
    accounts += part.accounts
    folders += part.folders
    messages += part.messages
  }
}
