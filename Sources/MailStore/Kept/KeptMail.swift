import Basics
import Glibc
import Synchronization

/// One expunged message that can be brought back.
struct KeptFile: Sendable {
  /// The directory below `expunged/`: the folder's own, or `INBOX`.
  var label: String
  var fileName: String
  /// When it was expunged.
  var seconds: Int64
  var size: Int64
  var name: MaildirName

  /// What the index knows it by.
  var key: String { "\(label)/\(fileName)" }
}

/// Expunged mail of one account, kept as hard links until its time is over:
/// `<account>/expunged/<folder directory>/<seconds>-<file name>`.
final class KeptMail: Sendable {
  private let directory: String
  private let settings: MailStoreSettings
  private let time: any TimeSource
  /// Octets kept, once they were counted.
  private let octets = Mutex<Int64?>(nil)

  init(account: String, settings: MailStoreSettings, time: any TimeSource) {
    directory = account + "/expunged"
    self.settings = settings
    self.time = time
  }

  /// Whether expunged mail is kept at all.
  var isOn: Bool { settings.undelete != nil }

  /// The directory below `expunged/` for a folder's directory name.
  static func label(_ directoryName: String) -> String { directoryName.isEmpty ? "INBOX" : directoryName }

  /// The folder a label stands for.
  static func folder(_ label: String) -> MailboxName? {
    label == "INBOX" ? .inbox : FolderNameCodec.name(ofDirectory: label)
  }

  /// Keeps a message that is about to be removed.
  ///
  /// - Parameter moving: the file itself goes there, because its folder is being removed.
  /// - Returns: what the index may note about it; `nil` when it is gone already or cannot have another link.
  func keep(_ path: String, fileName: String, label: String, size: Int64, moving: Bool = false) throws -> String? {
    guard isOn else { return nil }
    let folder = "\(directory)/\(label)"
    var kept = "\(time.now.seconds)-\(fileName)"
    if kept.utf8.count > NameTable.longest {
      // A name that leaves no room for the time: the sizes and flags at its end are what counts.
      kept = "\(time.now.seconds)-\(UInt64.random(in: 0...UInt64.max))\(Self.tail(fileName))"
    }
    let target = "\(folder)/\(kept)"
    for attempt in 0..<2 {
      if moving ? rename(path, target) == 0 : link(path, target) == 0 {
        note(size)
        return "\(label)/\(kept)"
      }
      if errno == EEXIST { return "\(label)/\(kept)" }
      if errno == EMLINK { return nil }
      guard errno == ENOENT else { throw FileSystem.failure("link", target) }
      guard attempt == 0, FileSystem.exists(path) else { return nil }
      try FileSystem.makePath(folder)
    }
    return nil
  }

  private static func tail(_ fileName: String) -> String {
    let octets = Array(fileName.utf8)
    let start = octets.lastIndex(of: UInt8(ascii: ":")) ?? octets.count
    return octets.count - start < 64 ? String(decoding: octets[start...], as: UTF8.self) : ""
  }

  /// Counts what was kept, and lets the oldest go when it is too much.
  private func note(_ size: Int64) {
    octets.withLock { octets in
      let sum = octets.map { $0 + size } ?? files(nil).reduce(0) { $0 + $1.size }
      octets = sum
      guard sum > settings.undeleteBytes else { return }
      var left = sum
      for file in files(nil).sorted(by: { $0.seconds < $1.seconds }) {
        if left <= settings.undeleteBytes - settings.undeleteBytes / 10 { break }
        unlink(path(file))
        left -= file.size
      }
      octets = left
    }
  }

  /// Forgets the sum, because files were taken out.
  func recount() { octets.withLock { $0 = nil } }

  /// Where a kept file lies.
  func path(_ file: KeptFile) -> String { "\(directory(of: file))/\(file.fileName)" }

  /// The directory it lies in.
  func directory(of file: KeptFile) -> String { "\(directory)/\(file.label)" }

  /// Leaves a mark on disk for as long as files are moved back.
  func beginRestoring() throws -> RestoringMark { try RestoringMark(directory + "/" + Self.mark) }

  /// Whether somebody was killed while files were moved back; forgotten when told.
  func wasInterrupted() -> Bool { RestoringMark.takeInterrupted(directory + "/" + Self.mark) }

  /// No folder's label: those begin with a dot, or are `INBOX`.
  private static let mark = "restoring"

  /// What is kept, of one folder or of all.
  func files(_ folder: MailboxName?) -> [KeptFile] {
    let labels = folder.map { [Self.label(FolderNameCodec.directoryName($0))] } ?? FileSystem.names(directory)
    return labels.flatMap { label in FileSystem.names("\(directory)/\(label)").compactMap { file($0, label) } }
  }

  private func file(_ fileName: String, _ label: String) -> KeptFile? {
    guard Self.folder(label) != nil, let cut = fileName.utf8.firstIndex(of: UInt8(ascii: "-")),
      let seconds = Int64(fileName[..<cut])
    else { return nil }
    var original = String(fileName[fileName.utf8.index(after: cut)...])
    let name = original.withUTF8 { MaildirName(UnsafeRawBufferPointer($0), inNew: false) }
    guard let size = name.fileBytes.map(Int64.init) ?? FileSystem.facts("\(directory)/\(label)/\(fileName)")?.size
    else { return nil }
    return KeptFile(label: label, fileName: fileName, seconds: seconds, size: size, name: name)
  }

  /// Removes what was expunged before a moment; gives whether there was anything.
  @discardableResult func sweep(before oldest: Int64) -> Bool {
    var found = false
    for label in FileSystem.names(directory) {
      for file in FileSystem.names("\(directory)/\(label)").compactMap({ file($0, label) }) where file.seconds < oldest
      {
        unlink(path(file))
        found = true
      }
      // Stays when something is left in it.
      rmdir("\(directory)/\(label)")
    }
    if found { recount() }
    return found
  }

  /// Removes what is older than it may be; everything when nothing is to be kept any more.
  func sweep() -> Int64? {
    guard FileSystem.exists(directory) else { return nil }
    let oldest = settings.undelete.map { time.now.seconds - $0.wholeMilliseconds / 1000 } ?? Int64.max
    return sweep(before: oldest) ? oldest : nil
  }
}
