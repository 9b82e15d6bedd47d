import Glibc
import MailSyntax

/// One folder of a source.
struct SourceFolder {
  /// The way to it from the source's directory.
  var way: [String]
  /// Its levels as the source's own lists write them, before decoding.
  var storageName: String
  /// The folder it becomes.
  var name: MailboxName
}

/// The folders of a Maildir++ (`.Level.Level`), or of a tree of Maildirs in each other (Dovecot's `LAYOUT=fs`).
struct SourceFolders {
  private(set) var folders: [SourceFolder] = []
  /// Directories that hold mail and cannot be taken, with the reason and the remedy.
  private(set) var warnings: [String] = []
  private var names: Set<MailboxName> = [.inbox]
  private let most: Int
  /// What separates levels in the source's lists.
  private(set) var separator: Character = "."

  private static let deepest = 32

  /// - Throws: `StoreError` when the directory is no Maildir.
  init(_ root: SourceDirectory, most: Int) throws {
    self.most = most
    guard root.directory("cur") != nil else {
      let inner = root.directory(["Maildir", "cur"]) != nil
      throw StoreError(
        .notAllowed,
        "\(root.path) is no Maildir, it has no cur"
          + (inner ? "; name \(root.path)/Maildir" : "; name the directory with cur, new and tmp"))
    }
    folders.append(SourceFolder(way: [], storageName: "INBOX", name: .inbox))
    var entries: [[UInt8]] = []
    try root.forEachName { name in
      guard entries.count <= most * 2 else { throw StoreError(.limit, "\(root.path) has too many directories") }
      if root.leadsToDirectory(name) { entries.append(name) }
    }
    entries.sort { $0.lexicographicallyPrecedes($1) }
    let dotted = entries.filter { $0.first == UInt8(ascii: ".") }
    for entry in dotted { try addDotted(entry, root) }
    let plain = entries.filter { $0.first != UInt8(ascii: ".") && !Self.reserved.contains($0) }
    if folders.count == 1 {
      separator = "/"
      for entry in plain { try addTree([String(decoding: entry, as: UTF8.self)], root) }
      if folders.count == 1 { separator = "." }
    } else {
      for entry in plain {
        let name = String(decoding: entry, as: UTF8.self)
        guard root.directory([name, "cur"]) != nil else { continue }
        warnings.append("\(root.path)/\(name) has mail but is no Maildir++ folder; name it by itself to take it")
      }
    }
    folders.sort { $0.name.path < $1.name.path }
  }

  private static let reserved: Set<[UInt8]> = Set(
    ["cur", "new", "tmp", "courierimapkeywords", "courierimaphieracl", "sieve"].map { Array($0.utf8) })

  private mutating func addDotted(_ entry: [UInt8], _ root: SourceDirectory) throws {
    let text = String(decoding: entry, as: UTF8.self)
    guard Array(text.utf8) == entry else {
      warnings.append("\(root.path)/\(text): the name is no text; rename it")
      return
    }
    guard let folder = root.directory(text) else {
      warnings.append("\(root.path)/\(text) cannot be opened or is a symbolic link; name its target by itself")
      return
    }
    guard folder.directory("cur") != nil else { return }
    let levels = entry.dropFirst().split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    try add([text], storageName: String(text.dropFirst()), levels: levels.map { Array($0) }, folder.path)
  }

  private mutating func addTree(_ way: [String], _ root: SourceDirectory) throws {
    guard way.count <= Self.deepest else {
      warnings.append("\(root.path)/\(way.joined(separator: "/")) is too deep; name it by itself")
      return
    }
    guard let directory = root.directory(way) else {
      warnings.append(
        "\(root.path)/\(way.joined(separator: "/")) cannot be opened or is a symbolic link; it is left out")
      return
    }
    if directory.directory("cur") != nil {
      try add(way, storageName: way.joined(separator: "/"), levels: way.map { Array($0.utf8) }, directory.path)
    }
    var below: [[UInt8]] = []
    try directory.forEachName { name in
      guard below.count <= most else { throw StoreError(.limit, "\(directory.path) has too many directories") }
      guard name.first != UInt8(ascii: "."), !Self.reserved.contains(name) else { return }
      if directory.leadsToDirectory(name) { below.append(name) }
    }
    for name in below.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      try addTree(way + [String(decoding: name, as: UTF8.self)], root)
    }
  }

  private mutating func add(_ way: [String], storageName: String, levels: [[UInt8]], _ path: String) throws {
    guard folders.count < most else { throw StoreError(.limit, "the source has more than \(most) folders") }
    guard let name = Self.name(levels), names.insert(name).inserted else {
      warnings.append("\(path): its name cannot be a folder's here; rename it and import again")
      return
    }
    folders.append(SourceFolder(way: way, storageName: storageName, name: name))
  }

  /// The folder that levels as on the source's disk stand for.
  static func name(_ levels: [[UInt8]]) -> MailboxName? {
    var decoded: [String] = []
    for level in levels {
      guard
        let text = FolderNameCodec.decode(level) ?? ModifiedUTF7.decode(level)
          ?? String(validating: level, as: UTF8.self)
      else { return nil }
      // Our separator; another server may have had another one.
      decoded.append(text.replacing("/", with: "-"))
    }
    guard let name = try? MailboxName(decoded.joined(separator: "/")) else { return nil }
    // A folder of that name beside the INBOX.
    return name.isInbox ? try? MailboxName("INBOX/INBOX") : name
  }
}
