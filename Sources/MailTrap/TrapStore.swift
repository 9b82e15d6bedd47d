import Basics
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// The folder of caught messages: `ID.eml` and `ID.envelope`; a message is there once its `.eml` is.
///
/// Methods block for file work; the server calls them from threads of its own.
package struct TrapStore: Sendable {
  /// Its path.
  package let folder: String

  /// A failure of the file system, with what was tried.
  package struct Failure: Error, Sendable, CustomStringConvertible {
    /// One line.
    package let description: String
    /// Whether there is no such message.
    package let isMissing: Bool

    init(_ what: String, _ path: String) {
      isMissing = errno == ENOENT
      description = "\(what) \(path): \(String(cString: strerror(errno)))"
    }

    init(missing id: String) {
      isMissing = true
      description = "no message \(id) in the trap"
    }
  }

  /// Names a folder; nothing is touched.
  package init(folder: String) { self.folder = folder }

  /// Makes the folder.
  package func prepare() throws {
    guard mkdir(folder, 0o750) == 0 || errno == EEXIST else { throw Failure("cannot make", folder) }
  }

  /// Keeps a message; durable on return.
  package func put(_ message: TrappedMessage, _ content: [UInt8]) throws {
    try write(message.envelope, to: "\(folder)/\(message.id).envelope")
    do {
      try write(content, to: "\(folder)/\(message.id).eml")
      try sync()
    } catch {
      unlink("\(folder)/\(message.id).envelope")
      throw error
    }
  }

  /// The ids, oldest first.
  package func ids() throws -> [String] {
    let names = DirectoryNames.list(folder) { $0.hasSuffix(".eml") && Self.isID($0.dropLast(4)) }
    guard let names else {
      if errno == ENOENT { return [] }
      throw Failure("cannot list", folder)
    }
    return names.map { String($0.dropLast(4)) }.sorted()
  }

  /// The newest messages, oldest first.
  package func list(limit: Int = .max) throws -> [TrappedMessage] {
    try ids().suffix(limit).compactMap { try? show($0) }
  }

  /// One message's envelope and what its header says.
  ///
  /// - Throws: ``Failure``.
  package func show(_ id: String) throws -> TrappedMessage {
    guard Self.isID(id) else { throw Failure(missing: id) }
    var message = TrappedMessage(id: id, envelope: (try? read("\(folder)/\(id).envelope", limit: 1 << 20)) ?? [])
    var info = stat()
    guard stat("\(folder)/\(id).eml", &info) == 0 else { throw Failure(missing: id) }
    message.size = Int(info.st_size)
    message.read(try read("\(folder)/\(id).eml", limit: 256 * 1024))
    return message
  }

  /// The octets as they came.
  package func raw(_ id: String) throws -> [UInt8] {
    guard Self.isID(id) else { throw Failure(missing: id) }
    do {
      return try read("\(folder)/\(id).eml", limit: .max)
    } catch let failure as Failure {
      throw failure.isMissing ? Failure(missing: id) : failure
    }
  }

  /// Removes one message, or all.
  ///
  /// - Returns: how many.
  @discardableResult
  package func clear(_ id: String? = nil) throws -> Int {
    let wanted = try id.map { _ in try ids().filter { $0 == id } } ?? ids()
    if let id, wanted.isEmpty { throw Failure(missing: id) }
    for name in wanted {
      guard unlink("\(folder)/\(name).eml") == 0 || errno == ENOENT else { throw Failure("cannot remove", name) }
      unlink("\(folder)/\(name).envelope")
    }
    return wanted.count
  }

  /// Lets only the newest stay.
  package func trim(to limit: Int) throws { for id in try ids().dropLast(limit) { try clear(id) } }

  /// Digits and capital letters with one hyphen, so that no id ever leads out of the folder.
  private static func isID(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text.utf8.count <= 64
      && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || $0 == 0x2d }
  }

  private func write(_ bytes: [UInt8], to path: String) throws {
    let hidden = "\(path).new"
    let descriptor = open(hidden, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o640)
    guard descriptor >= 0 else { throw Failure("cannot write", path) }
    defer { close(descriptor) }
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress.map { $0 + offset }, bytes.count - offset)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let failure = Failure("cannot write", path)
        unlink(hidden)
        throw failure
      }
      offset += count
    }
    guard fsync(descriptor) == 0, rename(hidden, path) == 0 else {
      let failure = Failure("cannot write", path)
      unlink(hidden)
      throw failure
    }
  }

  private func sync() throws {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure("cannot sync", folder) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw Failure("cannot sync", folder) }
  }

  private func read(_ path: String, limit: Int) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw Failure("cannot read", path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < limit {
      let count = Glibc.read(descriptor, &chunk, min(chunk.count, limit - bytes.count))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Failure("cannot read", path) }
      if count == 0 { break }
      bytes += chunk.prefix(count)
    }
    return bytes
  }
}

/// Makes ids that grow with time, within one process and across restarts.
final class TrapIDs: Sendable {
  private let last = Mutex<(milliseconds: Int64, count: Int)>((0, 0))

  func next(_ now: Timestamp) -> String {
    let (milliseconds, count) = last.withLock { last in
      last = now.milliseconds > last.milliseconds ? (now.milliseconds, 0) : (last.milliseconds, last.count + 1)
      return last
    }
    let random = String(UInt16.random(in: .min ... .max), radix: 36, uppercase: true)
    let number = String(count, radix: 36, uppercase: true)
    return "\(milliseconds)-\(String(repeating: "0", count: max(0, 4 - number.count)))\(number)\(random)"
  }
}
