import Basics
import CFiles
import COpenSSL
import Glibc

/// A message that is measured and waits for its place: in `tmp/import`, or, when another run or program put it there,
/// in the folder itself.
struct StagedMessage {
  var candidate: ImportCandidate
  var flags: MessageFlags
  var path: String
  /// Whether `path` is of this import's making.
  var isOurs: Bool
  /// The base name it gets.
  var base: String
  var fileBytes: Int64
  var wireBytes: Int64
  var isOpenEnded: Bool
  /// INTERNALDATE: the file's date, as Dovecot and Courier have it.
  var seconds: Int64
  var uid: UInt32 = 0
  var target = ""
}

extension MailImport {
  /// Brings a batch to `tmp/import`, durably; files that cannot be taken are left out with a warning.
  func stage(
    _ candidates: [ImportCandidate], _ directory: SourceDirectory, folder number: Int64, path: String,
    _ report: inout ImportedFolder
  ) throws -> [StagedMessage] {
    guard let cur = directory.directory("cur") else {
      throw StoreError(.temporary, "\(directory.path)/cur is gone; import again to go on")
    }
    let new = directory.directory("new")
    var staged: [StagedMessage] = []
    var hasCopies = false
    do {
      for candidate in candidates {
        let files = candidate.inNew ? new ?? cur : cur
        guard
          let message = try stage(
            candidate, files, position: staged.count, folder: number, path: path, &hasCopies, &report)
        else { continue }
        staged.append(message)
      }
      if hasCopies { try syncStaging() }
      try catalog.remember(
        aliases: staged.filter { Array($0.base.utf8) != $0.candidate.base }
          .map { (Array($0.base.utf8), $0.candidate.base) }, number)
    } catch {
      for message in staged where message.isOurs { unlink(message.path) }
      throw error
    }
    return staged
  }

  /// One sync for all copies: the file system writes them together.
  private func syncStaging() throws {
    let descriptor = open(staging, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileSystem.failure("open", staging) }
    defer { close(descriptor) }
    if cfiles_syncfs(descriptor) != 0 { throw FileSystem.failure("syncfs", staging) }
  }

  private func stage(
    _ candidate: ImportCandidate, _ files: SourceDirectory, position: Int, folder number: Int64, path: String,
    _ hasCopies: inout Bool, _ report: inout ImportedFolder
  ) throws -> StagedMessage? {
    let name = candidate.fileName
    let shown = "\(files.path)/\(String(decoding: name, as: UTF8.self))"
    let input = files.open(name)
    guard input >= 0 else {
      let reason =
        errno == ENOENT ? "it moved while it was read; import again to take it" : String(cString: strerror(errno))
      refuse(shown, reason, &report)
      return nil
    }
    defer { close(input) }
    var facts = stat()
    guard fstat(input, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
      refuse(shown, "no file any more", &report)
      return nil
    }
    var message = StagedMessage(
      candidate: candidate, flags: name.withUnsafeBytes { MaildirName($0, inNew: candidate.inNew).flags }, path: "",
      isOurs: false, base: "", fileBytes: 0, wireBytes: 0, isOpenEnded: false, seconds: Int64(facts.st_mtim.tv_sec))
    if let placed = candidate.placedName {
      message.path = "\(path)/\(candidate.isPlacedInNew ? "new" : "cur")/\(String(decoding: placed, as: UTF8.self))"
      try measure(input, copyingTo: nil, shown, &message)
    } else {
      message.path = "\(staging)/\(position)"
      message.isOurs = true
      let isLinked = options.transfer != .copy && link(name, files, facts, to: message.path)
      do {
        if isLinked {
          try measure(input, copyingTo: nil, shown, &message)
        } else {
          hasCopies = true
          try copy(input, facts, shown, &message)
        }
      } catch {
        unlink(message.path)
        throw error
      }
    }
    message.base = targetBase(message, folder: number)
    if let limit = options.largeMessage, message.fileBytes > limit { largeMessages += 1 }
    return message
  }

  /// A second name for the file that was opened; `false` where the system or the owners do not allow it.
  private func link(_ name: [UInt8], _ files: SourceDirectory, _ facts: stat, to path: String) -> Bool {
    // A file of another owner would be out of the server's reach, or in somebody else's.
    guard facts.st_uid == geteuid() else { return false }
    guard files.link(name, to: path) == 0 else { return false }
    var linked = stat()
    if lstat(path, &linked) == 0, linked.st_ino == facts.st_ino, linked.st_dev == facts.st_dev { return true }
    unlink(path)
    return false
  }

  private func copy(_ input: Int32, _ facts: stat, _ shown: String, _ message: inout StagedMessage) throws {
    let output = open(message.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard output >= 0 else { throw FileSystem.failure("create", message.path) }
    defer { close(output) }
    try measure(input, copyingTo: output, shown, &message)
    let time = timespec(tv_sec: facts.st_mtim.tv_sec, tv_nsec: facts.st_mtim.tv_nsec)
    _ = withUnsafePointer(to: (time, time)) { pair in
      pair.withMemoryRebound(to: timespec.self, capacity: 2) { futimens(output, $0) }
    }
    cfiles_start_writing(output)
  }

  /// Counts octets and line ends: what the name says of sizes is not believed.
  private func measure(_ input: Int32, copyingTo output: Int32?, _ shown: String, _ message: inout StagedMessage) throws
  {
    var ends = LineEndCounter()
    var total = 0
    try withUnsafeTemporaryAllocation(byteCount: 256 << 10, alignment: 64) { buffer in
      while true {
        let count = try FileSystem.readFully(input, buffer, at: total)
        let part = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        ends.count(part)
        if let output { try FileSystem.writeAll(output, part, path: message.path) }
        total += count
        if count < buffer.count { return }
      }
    }
    message.fileBytes = Int64(total)
    message.wireBytes = Int64(total + ends.bareLineFeeds)
    message.isOpenEnded = ends.isOpenEnded
  }

  /// The source's base name, unless it says something wrong, is no name here, or is another message's.
  private func targetBase(_ message: StagedMessage, folder: Int64) -> String {
    let base = message.candidate.base
    let text = String(decoding: base, as: UTF8.self)
    let parsed = base.withUnsafeBytes { MaildirName($0, inNew: true) }
    let isRight =
      parsed.fileBytes.map { Int64($0) == message.fileBytes } ?? true
      && parsed.wireBytes.map { Int64($0) == message.wireBytes && !message.isOpenEnded } ?? true
    let isName = base.count <= 240 && Array(text.utf8) == base && base.allSatisfy { $0 > 0x20 && $0 != 0x7f }
    if isRight, isName, !message.candidate.clashes { return text }
    // Made from what does not change, so that an interrupted run meets it again.
    var digest = [UInt8](repeating: 0, count: 32)
    let octets = Array("\(folder)/".utf8) + base
    EVP_Digest(octets, octets.count, &digest, nil, EVP_sha256(), nil)
    return "\(parsed.seconds).I\(Hexadecimal.encode(digest.prefix(12))).import,S=\(message.fileBytes)"
  }
}
