import Basics

/// The subscriptions as last read; nothing is read again while the file has the same octets.
struct Subscriptions: Sendable {
  private(set) var bytes: [UInt8] = []
  /// Names in the file's order, each with the place of its line in the file.
  private var lines: [(name: MailboxName, range: Range<Int>)] = []
  private(set) var names: Set<MailboxName> = []

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0a) ?? bytes.count
      let text = bytes[start..<end].last == 0x0d ? bytes[start..<(end - 1)] : bytes[start..<end]
      let range = start..<min(bytes.count, end + 1)
      start = range.upperBound
      guard let name = try? MailboxName(String(decoding: text, as: UTF8.self)) else { continue }
      lines.append((name, range))
      names.insert(name)
    }
  }

  mutating func add(_ name: MailboxName) {
    if let last = bytes.last, last != 0x0a {
      if let open = lines.indices.last, lines[open].range.upperBound == bytes.count {
        lines[open].range = lines[open].range.lowerBound..<bytes.count + 1
      }
      bytes.append(0x0a)
    }
    let start = bytes.count
    bytes += name.path.utf8
    bytes.append(0x0a)
    lines.append((name, start..<bytes.count))
    names.insert(name)
  }

  mutating func remove(_ name: MailboxName) {
    while let place = lines.firstIndex(where: { $0.name == name }) {
      let range = lines.remove(at: place).range
      bytes.removeSubrange(range)
      for later in place..<lines.count {
        let old = lines[later].range
        lines[later].range = (old.lowerBound - range.count)..<(old.upperBound - range.count)
      }
    }
    names.remove(name)
  }
}

/// `subscriptions`: a small file in the Maildir that other programs read and write as well.
extension AccountStore {
  private nonisolated var subscriptionsPath: String { "\(maildir)/subscriptions" }

  nonisolated func subscriptions() throws -> Subscriptions {
    let bytes = try FileSystem.contents(subscriptionsPath, limit: 8 << 20) ?? []
    if let known = knownSubscriptions.withLock({ $0 }), known.bytes == bytes { return known }
    let read = Subscriptions(bytes)
    knownSubscriptions.withLock { $0 = read }
    return read
  }

  func subscribe(_ name: MailboxName) throws {
    let known = try subscriptions()
    guard !known.names.contains(name) else { return }
    guard known.names.count < host.settings.foldersPerAccount else {
      throw StoreError(.limit, "too many subscriptions")
    }
    _ = try path(name)
    try changeSubscriptions { $0.add(name) }
    accountEvents.post(.subscription(name, isSubscribed: true))
  }

  func unsubscribe(_ name: MailboxName) throws {
    guard try subscriptions().names.contains(name) else { return }
    try changeSubscriptions { $0.remove(name) }
    accountEvents.post(.subscription(name, isSubscribed: false))
  }

  private func changeSubscriptions(_ change: (inout Subscriptions) -> Void) throws {
    try prepareMaildir(key: nil)
    // The remembered ones are changed in place: copying ten thousand names costs more than writing them.
    var changed = try subscriptions()
    knownSubscriptions.withLock { $0 = nil }
    change(&changed)
    try FileSystem.replace(subscriptionsPath, with: changed.bytes, durable: true)
    knownSubscriptions.withLock { [changed] in $0 = changed }
  }
}
