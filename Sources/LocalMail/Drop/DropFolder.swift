import Basics
import CFiles
import MailSyntax

#if canImport(Glibc)
  import Glibc
#endif

/// The folder in which programs that may not write the queue leave their mail (as Postfix's maildrop).
///
/// Everybody may add a file, nobody but the server may list or remove one: mode 3733. Who wrote a file is what the file
/// system says, so nobody sends in another's name. A file is whole under its name: written under a name with a dot in
/// front, synced, renamed.
package struct DropFolder: Sendable {
  /// Its path.
  package let path: String

  /// Names a folder; nothing is touched.
  package init(path: String) { self.path = path }

  /// A failure of the file system, with what was tried.
  package struct Failure: Error, Sendable, CustomStringConvertible {
    /// One line.
    package let description: String

    init(_ what: String, _ path: String) { description = "\(what) \(path): \(String(cString: strerror(errno)))" }
  }

  /// A file that was found.
  package struct Entry: Sendable {
    /// Its name.
    package let name: String
    /// The user who wrote it.
    package let user: UInt32
    /// The message, or `nil` when the file makes no sense.
    package let message: LocalMessage?
  }

  /// Makes the folder with its mode, as the server's own.
  ///
  /// - Throws: ``Failure``.
  package func prepare() throws {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Failure("cannot make", path) }
    guard chmod(path, 0o3733) == 0 else { throw Failure("cannot set the mode of", path) }
  }

  /// Leaves a message; on return it is durable.
  ///
  /// - Returns: the file's name.
  /// - Throws: ``Failure``.
  package func put(_ message: LocalMessage, now: Timestamp) throws -> String {
    let name = "\(now.milliseconds).\(getpid()).\(String(UInt32.random(in: .min ... .max), radix: 36))"
    let hidden = "\(path)/.\(name)"
    let descriptor = open(hidden, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o640)
    guard descriptor >= 0 else { throw Failure("cannot write into", path) }
    defer { close(descriptor) }
    do {
      // Whatever the umask: the server reads by the folder's group.
      guard fchmod(descriptor, 0o640) == 0 else { throw Failure("cannot set the mode of", hidden) }
      try Self.write(DropEnvelope.text(message) + message.content, to: descriptor, hidden)
      guard fsync(descriptor) == 0 else { throw Failure("cannot sync", hidden) }
      guard rename(hidden, "\(path)/\(name)") == 0 else { throw Failure("cannot rename", hidden) }
    } catch {
      unlink(hidden)
      throw error
    }
    // The folder itself cannot be opened by those who may only write into it; then the whole file system is synced.
    let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder >= 0 {
      defer { close(folder) }
      guard fsync(folder) == 0 else { throw Failure("cannot sync", path) }
    } else if cfiles_syncfs(descriptor) != 0 {
      throw Failure("cannot sync", path)
    }
    return name
  }

  /// The names of files that wait, oldest first.
  ///
  /// - Throws: ``Failure``.
  package func names(limit: Int) throws -> [String] {
    guard let names = DirectoryNames.list(path, most: limit, where: { $0.first?.isNumber == true }) else {
      throw Failure("cannot list", path)
    }
    return names.sorted()
  }

  /// Who wrote a file; `nil` when it is gone.
  package func owner(of name: String) -> UInt32? {
    var info = stat()
    return lstat("\(path)/\(name)", &info) == 0 ? info.st_uid : nil
  }

  /// Reads a file; `nil` when it is gone.
  ///
  /// - Parameters:
  ///   - sizeLimit: octets of the message that are taken.
  /// - Throws: ``Failure``.
  package func read(_ name: String, sizeLimit: Int, recipientLimit: Int) throws -> Entry? {
    let file = "\(path)/\(name)"
    let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      // A link, a socket, a file without the group's right: nobody's mail.
      var info = stat()
      guard lstat(file, &info) == 0 else { throw Failure("cannot read", file) }
      return Entry(name: name, user: info.st_uid, message: nil)
    }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { throw Failure("cannot read", file) }
    // A second name would let somebody pass on a file of another user's.
    guard info.st_mode & S_IFMT == S_IFREG, info.st_nlink == 1, info.st_size <= sizeLimit + DropEnvelope.limit else {
      return Entry(name: name, user: info.st_uid, message: nil)
    }
    let bytes = try Self.readAll(descriptor, size: Int(info.st_size), file)
    return Entry(
      name: name, user: info.st_uid, message: DropEnvelope.parse(bytes, recipientLimit: recipientLimit))
  }

  /// Removes a file that was taken, durably, so that it is not taken again after a crash.
  package func remove(_ name: String) throws {
    guard unlink("\(path)/\(name)") == 0 || errno == ENOENT else { throw Failure("cannot remove", "\(path)/\(name)") }
    let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw Failure("cannot sync", path) }
    defer { close(folder) }
    guard fsync(folder) == 0 else { throw Failure("cannot sync", path) }
  }

  /// Puts a file that makes no sense out of the way, under a name that is not taken.
  package func setAside(_ name: String) throws {
    guard rename("\(path)/\(name)", "\(path)/bad-\(name)") == 0 || errno == ENOENT else {
      throw Failure("cannot rename", "\(path)/\(name)")
    }
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32, _ file: String) throws {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress.map { $0 + offset }, bytes.count - offset)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Failure("cannot write", file) }
      offset += count
    }
  }

  private static func readAll(_ descriptor: Int32, size: Int, _ file: String) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: size)
    var done = 0
    while done < size {
      let got = bytes.withUnsafeMutableBytes { buffer in
        pread(descriptor, buffer.baseAddress.map { $0 + done }, size - done, off_t(done))
      }
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw Failure("cannot read", file) }
      if got == 0 { break }
      done += got
    }
    return Array(bytes.prefix(done))
  }
}
