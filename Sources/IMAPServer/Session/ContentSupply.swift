import MailStore

/// Gives a FETCH its messages' octets: small ones many at a time, read in parallel, large ones as open files.
final class ContentSupply {
  private let mailbox: Mailbox
  private let wanted: [MessageRecord]
  private var ready: [UInt32: [UInt8]] = [:]
  private var next = 0

  /// Messages larger than this are opened one by one and sent from the file.
  private static let small = 256 * 1024
  /// Octets and messages read ahead.
  private static let octetsAhead = 2 << 20
  private static let messagesAhead = 256

  init(_ current: IMAPSession.Selected, _ batch: [Range<Int>]) {
    mailbox = current.mailbox
    wanted = batch.flatMap { current.view.messages[$0] }
  }

  /// The message's octets; to be asked for in the order of the batch.
  ///
  /// - Throws: `StoreError` with `noSuchMessage` when it is gone.
  func reader(for uid: UInt32) async throws -> MessageContentReader {
    if let bytes = ready.removeValue(forKey: uid) { return MessageContentReader(bytes) }
    while next < wanted.count, wanted[next].uid < uid { next += 1 }
    var uids: [UInt32] = []
    var octets = 0
    var place = next
    while place < wanted.count, uids.count < Self.messagesAhead {
      let record = wanted[place]
      place += 1
      // A size that is not known yet may be any.
      guard record.isMeasured, record.size <= Self.small else { continue }
      octets += record.size
      guard octets <= Self.octetsAhead else { break }
      uids.append(record.uid)
    }
    guard uids.count > 1, uids.first == uid else { return MessageContentReader(try await mailbox.open(uid)) }
    for message in try await mailbox.contents(uids, maximumBytes: Self.octetsAhead) {
      ready[message.uid] = message.bytes
    }
    // Gone, or renamed while it was looked for: opening looks again.
    guard let bytes = ready.removeValue(forKey: uid) else { return MessageContentReader(try await mailbox.open(uid)) }
    return MessageContentReader(bytes)
  }
}
