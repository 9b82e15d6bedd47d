import Basics
import Glibc
import Synchronization

/// The running sum of one account's mail, kept in Maildir++'s `maildirsize` where other programs see and change it.
///
/// The file is the sum: a first line with the quota, then lines of `bytes count` that add up. Memory only holds what
/// the file said when it last changed. Every message counts, in Trash too.
final class QuotaLedger: Sendable {
  private struct State {
    var use: QuotaUse?
    /// Admitted, not yet written to the file.
    var pending = QuotaUse()
    var inode: UInt64 = 0
    var size: Int64 = 0
    var modified: Int64 = 0
    var lines = 0
    var quotaLine = ""
    /// The last `refresh` counted the files, so that what just happened to them is in the sum already.
    var isCounted = false
    /// When the file was last looked at.
    var refreshed: Duration?
  }
  private let state = Mutex(State())
  private let maildir: String
  private let settings: MailStoreSettings
  private let time: any TimeSource
  private var path: String { maildir + "/maildirsize" }

  init(maildir: String, settings: MailStoreSettings, time: any TimeSource) {
    self.maildir = maildir
    self.settings = settings
    self.time = time
  }

  /// `25M,1000` as `26214400S,1000C`; no limit is `0S`, which Maildir++ programs read as none.
  static func line(_ limit: QuotaLimit) -> String {
    var parts: [String] = []
    if let bytes = limit.bytes { parts.append("\(bytes)S") }
    if let messages = limit.messages { parts.append("\(messages)C") }
    return parts.isEmpty ? "0S" : parts.joined(separator: ",")
  }

  /// How much is taken now.
  func use(_ limit: QuotaLimit) throws -> QuotaUse {
    try state.withLock { state in try refresh(&state, limit) }
  }

  /// Whether the file was made under this limit by now.
  func knows(_ limit: QuotaLimit) -> Bool {
    state.withLock { state in state.use != nil && state.quotaLine == Self.line(limit) }
  }

  /// Counts the files and writes the file anew.
  func recount(_ limit: QuotaLimit) throws -> QuotaUse {
    try state.withLock { state in try recount(&state, limit) }
  }

  /// Whether so much more fits; a sum that says no is counted again first when Maildir++ asks for that.
  func fits(bytes: Int, messages: Int, limit: QuotaLimit) throws -> Bool {
    if limit.isUnlimited { return true }
    return try state.withLock { state in try fits(&state, bytes: bytes, messages: messages, limit) }
  }

  /// Whether what memory says is fresh and leaves so much room that nobody need look at the file: an early answer, which
  /// `admit` makes sure of.
  func hasAmpleRoom(bytes: Int, limit: QuotaLimit) -> Bool {
    let now = time.uptime
    return state.withLock { state in
      guard let use = state.use, let refreshed = state.refreshed, now - refreshed < settings.quotaFreshness,
        state.quotaLine == Self.line(limit)
      else { return false }
      let sum = use.bytes + state.pending.bytes
      let messages = use.messages + state.pending.messages
      let percent = min(100, max(0, settings.quotaAmplePercent))
      if let most = limit.bytes, sum + Int64(bytes) > most / 100 * Int64(percent) { return false }
      if let most = limit.messages, messages + 1 > most / 100 * percent { return false }
      return true
    }
  }

  /// Takes room for messages that are about to be written; give it back with `settle`.
  func admit(bytes: Int, messages: Int, limit: QuotaLimit) throws {
    try state.withLock { state in
      if limit.isUnlimited {
        _ = try refresh(&state, limit)
      } else if try !fits(&state, bytes: bytes, messages: messages, limit) {
        throw StoreError(.overQuota, "user is over quota")
      }
      state.pending.bytes += Int64(bytes)
      state.pending.messages += messages
    }
  }

  /// Ends an admission: the messages are there (`added`) or not.
  ///
  /// - Returns: the use before and after.
  @discardableResult func settle(bytes: Int, messages: Int, added: Bool, limit: QuotaLimit) -> (
    before: QuotaUse, after: QuotaUse
  )? {
    state.withLock { state in
      state.pending.bytes -= Int64(bytes)
      state.pending.messages -= messages
      guard added, let before = try? refresh(&state, limit) else { return nil }
      if state.isCounted {
        return (QuotaUse(bytes: before.bytes - Int64(bytes), messages: before.messages - messages), before)
      }
      append(&state, bytes: Int64(bytes), messages: messages, limit)
      return (before, state.use ?? before)
    }
  }

  /// Notes messages that came (positive) or went (negative) without asking.
  func add(bytes: Int64, messages: Int, limit: QuotaLimit) {
    guard bytes != 0 || messages != 0 else { return }
    state.withLock { state in
      guard (try? refresh(&state, limit)) != nil, !state.isCounted else { return }
      append(&state, bytes: bytes, messages: messages, limit)
    }
  }

  /// Counts messages that are about to come, so that who is killed in between leaves too much in the sum, which is
  /// counted again before anybody is refused for it, and never too little.
  func charge(bytes: Int64, messages: Int, limit: QuotaLimit) {
    state.withLock { state in
      guard (try? refresh(&state, limit)) != nil else { return }
      append(&state, bytes: bytes, messages: messages, limit)
    }
  }

  private func fits(_ state: inout State, bytes: Int, messages: Int, _ limit: QuotaLimit) throws -> Bool {
    var use = try refresh(&state, limit)
    use.bytes += state.pending.bytes
    use.messages += state.pending.messages
    if use.fits(addingBytes: Int64(bytes), messages: messages, within: limit) { return true }
    // Maildir++: over quota by a sum of several lines, or by an old one, is counted again before it is believed.
    let age = time.now.milliseconds - state.modified / 1_000_000
    guard state.lines > 1 || age > settings.maildirsizeAge.wholeMilliseconds || age < 0 else { return false }
    use = try recount(&state, limit)
    use.bytes += state.pending.bytes
    use.messages += state.pending.messages
    return use.fits(addingBytes: Int64(bytes), messages: messages, within: limit)
  }

  private func refresh(_ state: inout State, _ limit: QuotaLimit) throws -> QuotaUse {
    state.isCounted = false
    state.refreshed = time.uptime
    guard let facts = FileSystem.facts(path) else { return try recount(&state, limit) }
    if let use = state.use, facts.inode == state.inode, facts.size == state.size, facts.modified == state.modified,
      limit.isUnlimited || state.quotaLine == Self.line(limit)
    {
      return use
    }
    guard let bytes = try? FileSystem.contents(path, limit: 1 << 20),
      let parsed = Self.parse(bytes)
    else { return try recount(&state, limit) }
    state.use = parsed.use
    state.lines = parsed.lines
    state.quotaLine = parsed.quota
    remember(&state, facts)
    guard parsed.use.bytes >= 0, parsed.use.messages >= 0 else { return try recount(&state, limit) }
    if !limit.isUnlimited, parsed.quota != Self.line(limit) { try rewrite(&state, parsed.use, limit) }
    return parsed.use
  }

  /// What no sum passes that makes sense; far enough from the end of numbers to be added to.
  private static let mostOctets: UInt64 = 1 << 56
  private static let mostMessages: UInt = 1 << 40

  /// Adds up a file's lines; `nil` when a line is not two numbers, or the sum makes no sense.
  static func parse(_ bytes: [UInt8]) -> (quota: String, use: QuotaUse, lines: Int)? {
    let text = String(decoding: bytes, as: UTF8.self)
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    if lines.last == "" { lines.removeLast() }
    guard let quota = lines.first else { return nil }
    var use = QuotaUse()
    for line in lines.dropFirst() {
      let parts = line.split(separator: " ")
      guard parts.count == 2, let size = Int64(parts[0]), let count = Int(parts[1]) else { return nil }
      let (bytes, messages) = (use.bytes.addingReportingOverflow(size), use.messages.addingReportingOverflow(count))
      guard !bytes.overflow, !messages.overflow, bytes.partialValue.magnitude < Self.mostOctets,
        messages.partialValue.magnitude < Self.mostMessages
      else { return nil }
      use = QuotaUse(bytes: bytes.partialValue, messages: messages.partialValue)
    }
    return (String(quota), use, lines.count - 1)
  }

  private func recount(_ state: inout State, _ limit: QuotaLimit) throws -> QuotaUse {
    guard FileSystem.exists(maildir) else { return QuotaUse() }
    let use = Self.count(maildir)
    state.isCounted = true
    try rewrite(&state, use, limit)
    return use
  }

  /// Adds up all message files of a Maildir++, by the sizes in their names where they have them.
  static func count(_ maildir: String) -> QuotaUse {
    var use = QuotaUse()
    let folders = FileSystem.names(maildir).filter {
      $0.utf8.first == UInt8(ascii: ".") && FileSystem.exists("\(maildir)/\($0)/cur")
    }
    for folder in [maildir] + folders.map({ "\(maildir)/\($0)" }) {
      guard let listing = try? MaildirListing(folder: folder, expecting: 1024) else { continue }
      for entry in listing.entries {
        use.bytes += listing.fileBytes(entry)
        use.messages += 1
      }
    }
    return use
  }

  private func rewrite(_ state: inout State, _ use: QuotaUse, _ limit: QuotaLimit) throws {
    let quota = limit.isUnlimited && !state.quotaLine.isEmpty ? state.quotaLine : Self.line(limit)
    try FileSystem.replace(path, with: Array("\(quota)\n\(use.bytes) \(use.messages)\n".utf8), durable: false)
    state.use = use
    state.lines = 1
    state.quotaLine = quota
    if let facts = FileSystem.facts(path) { remember(&state, facts) }
  }

  private func append(_ state: inout State, bytes: Int64, messages: Int, _ limit: QuotaLimit) {
    let line = Array("\(bytes) \(messages)\n".utf8)
    var use = state.use ?? QuotaUse()
    use.bytes += bytes
    use.messages += messages
    if use.bytes < 0 || use.messages < 0 {
      _ = try? recount(&state, limit)
      return
    }
    if state.size + Int64(line.count) >= Int64(settings.maildirsizeBytes) {
      try? rewrite(&state, use, limit)
      return
    }
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    guard (try? line.withUnsafeBytes { try FileSystem.writeAll(descriptor, $0, path: path) }) != nil else { return }
    guard let facts = FileSystem.facts(descriptor: descriptor) else { return }
    // Another program's line may have come between: then the file is read again next time.
    if facts.size == state.size + Int64(line.count), facts.inode == state.inode {
      state.use = use
      state.lines += 1
      remember(&state, facts)
    }
  }

  private func remember(_ state: inout State, _ facts: FileFacts) {
    state.inode = facts.inode
    state.size = facts.size
    state.modified = facts.modified
  }
}
