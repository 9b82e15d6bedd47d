import Basics
import NIOPosix

/// Takes a message's octets as they come: counts, audits, keeps small ones in memory and large ones in a file.
final class MessageCollector {
  /// Octets of the message so far, those beyond the limit included.
  private(set) var size = 0
  /// What is wrong with its lines.
  private(set) var audit = LineAudit()
  /// Whether it is larger than allowed; nothing more is kept then.
  private(set) var isOversize = false
  /// Whether it could not be stored.
  private(set) var hasFailed = false
  /// The first octets: all of a small message, at least the start of the header of a large one.
  private(set) var head: [UInt8] = []

  /// The queue id the message will have.
  let id: String

  private let limit: Int
  private let memoryLimit: Int
  private let policy: LineEndPolicy
  private let directory: String
  private let files: NIOThreadPool
  private var mender = LineMender()
  private var pending: [UInt8] = []
  private var file: SpoolFile?
  private var stored = 0
  private var isOverflowing = false

  /// - Parameter isBinary: whether octets are kept as they are, whatever the policy about line ends.
  init(
    id: String, settings: SMTPServerSettings, files: NIOThreadPool, expected: Int? = nil, isBinary: Bool = false
  ) {
    self.id = id
    self.files = files
    limit = settings.messageSize
    memoryLimit = max(4096, settings.memoryPerMessage)
    policy = isBinary ? .refuse : settings.lineEnds
    directory = settings.spoolDirectory
    head.reserveCapacity(min(max(expected ?? 0, 4096), memoryLimit))
  }

  /// Whether enough octets wait in memory that `flush()` should be called before more are taken.
  var wantsFlush: Bool { pending.count >= memoryLimit / 2 }

  /// Takes octets; memory only.
  func append(_ bytes: UnsafeRawBufferPointer) {
    size += bytes.count
    if size > limit { isOversize = true }
    guard !isOversize, !hasFailed else { return }
    audit.scan(bytes)
    if policy == .normalise, mender.isNeeded(for: bytes) {
      mender.mend(bytes).withUnsafeBytes { keep($0) }
    } else {
      keep(bytes)
    }
  }

  private func keep(_ bytes: UnsafeRawBufferPointer) {
    stored += bytes.count
    // Once one piece went behind the head, a smaller one that would still fit must not overtake it.
    if !isOverflowing, head.count + bytes.count <= memoryLimit {
      head.append(contentsOf: bytes)
    } else {
      isOverflowing = true
      pending.append(contentsOf: bytes)
    }
  }

  /// Writes what waits to the file.
  func flush() async {
    guard !pending.isEmpty, !hasFailed, !isOversize else {
      pending = []
      return
    }
    let octets = pending
    pending = []
    let (directory, id, head, open) = (self.directory, self.id, self.head, self.file)
    do {
      file = try await files.runIfActive {
        if let open {
          try open.append(octets)
          return open
        }
        let made = try SpoolFile.create(directory: directory, id: id)
        try made.append(head)
        try made.append(octets)
        return made
      }
    } catch {
      hasFailed = true
      file = nil
    }
  }

  /// Ends the message.
  ///
  /// The content is valid as long as the collector lives.
  func finish() async -> MessageContent {
    audit.finish()
    await flush()
    if let file { return .file(path: file.path, size: stored) }
    return .bytes(head)
  }
}
