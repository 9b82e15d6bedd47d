import MailStore

/// Gives a FETCH its messages' octets: small ones many at a time, read in parallel while the ones before are being sent,
/// large ones as open files.
final class ContentSupply {
  private let mailbox: Mailbox
  private let view: MailboxView
  /// Where in the view the messages are that have not been thought of yet.
  private var rest: ArraySlice<Range<Int>>
  private var ready: ArraySlice<MessageContents> = []
  private var ahead: Task<[MessageContents], any Error>?
  private var hasBegun = false

  /// Messages larger than this are opened one by one and sent from the file.
  private static let small = 256 * 1024
  /// Octets and messages read at a time; as much waits while it is sent.
  private static let octets = 1 << 20
  private static let messages = 256
  /// The first are few, so that sending begins soon.
  private static let firstMessages = 64

  init(_ current: IMAPSession.Selected, _ positions: [Range<Int>]) {
    mailbox = current.mailbox
    view = current.view
    rest = positions[...]
  }

  deinit { ahead?.cancel() }

  /// The message's octets; to be asked for in the order of the positions.
  ///
  /// - Throws: `StoreError` with `noSuchMessage` when it is gone.
  func reader(for uid: UInt32) async throws -> MessageContentReader {
    if ready.isEmpty { try await refill() }
    while let next = ready.first, next.uid < uid { ready.removeFirst() }
    // Large, gone, or renamed while it was looked for: opening looks again.
    guard let next = ready.first, next.uid == uid else { return MessageContentReader(try await mailbox.open(uid)) }
    ready.removeFirst()
    return MessageContentReader(next.bytes)
  }

  private func refill() async throws {
    if let ahead {
      self.ahead = nil
      ready = try await ahead.value[...]
    } else {
      let uids = nextUIDs(hasBegun ? Self.messages : Self.firstMessages)
      hasBegun = true
      // One alone is opened, which reads no more of it than is asked for.
      guard uids.count > 1 else { return }
      ready = try await mailbox.contents(uids, maximumBytes: Self.octets)[...]
    }
    let uids = nextUIDs(Self.messages)
    guard !uids.isEmpty else { return }
    ahead = Self.readAhead(uids, mailbox)
  }

  private static func readAhead(_ uids: [UInt32], _ mailbox: Mailbox) -> Task<[MessageContents], any Error> {
    Task { try await mailbox.contents(uids, maximumBytes: octets) }
  }

  /// The next small messages, within the bounds.
  private func nextUIDs(_ most: Int) -> [UInt32] {
    var uids: [UInt32] = []
    var octets = 0
    while let range = rest.first {
      for position in range {
        let record = view.messages[position]
        // A size that is not known yet may be any.
        guard record.isMeasured, record.size <= Self.small else { continue }
        octets += record.size
        guard uids.count < most, octets <= Self.octets else {
          rest[rest.startIndex] = position..<range.upperBound
          return uids
        }
        uids.append(record.uid)
      }
      rest.removeFirst()
    }
    return uids
  }
}
