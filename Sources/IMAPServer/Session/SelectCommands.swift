import Basics
import MailStore

/// SELECT, EXAMINE, CLOSE and UNSELECT (RFC 3501 section 6.3.1, 6.4.2, RFC 3691).
extension IMAPSession {
  func select(_ argument: SelectArgument, readOnly: Bool, _ tag: [UInt8]) async throws {
    try leaveMailbox(for: argument)
    let place = try await place(argument.mailbox, .read)
    let readOnly = readOnly || !place.rights.allowsChanges
    let opening = try await Opening(service.store, place.mail, place.name, readOnly: readOnly)
    enter(opening, place, argument, readOnly: readOnly)
    if let resync = argument.quickResync { try await self.resync(resync) }
    tagged(
      tag, "OK", readOnly ? .readOnly : .readWrite, readOnly ? "EXAMINE completed" : "SELECT completed")
  }

  /// What the store gives when a mailbox is selected.
  private struct Opening: Sendable {
    let mailbox: Mailbox
    let snapshot: MailboxSnapshot
    var recent: [Range<UInt32>] = []

    init(_ store: MailStore, _ mail: MailAccount, _ name: MailboxName, readOnly: Bool) async throws {
      let claimed: Range<UInt32>
      (mailbox, claimed, snapshot) = try await store.select(mail, name: name, claimsRecent: !readOnly)
      if !readOnly {
        if !claimed.isEmpty { recent = [claimed] }
        return
      }
      // EXAMINE claims nothing: the messages no session has claimed are the newest ones.
      let count = try await store.status(mail, name: name).recent
      if count > 0, let first = snapshot.messages.suffix(count).first { recent = [first.uid..<UInt32.max] }
    }
  }

  /// Leaves the mailbox selected so far, whatever comes of the command (RFC 3501 section 6.3.1).
  private func leaveMailbox(for argument: SelectArgument) throws {
    if selected != nil {
      selected = nil
      untagged("OK", .closed, "Previous mailbox closed")
    }
    if argument.quickResync != nil, !enabled.quickResync { throw Refusal.bad("QRESYNC is not enabled") }
    if enabled.uidOnly, argument.quickResync?.sequenceMatch != nil { throw Refusal.uidRequired }
  }

  // Not inlined, as `writeSelectResponses`: their temporaries would stay in the frame of `select`, and the memory of the
  // deepest frame in the session.
  @inline(never)
  private func enter(_ opening: Opening, _ place: MailboxPlace, _ argument: SelectArgument, readOnly: Bool) {
    if argument.condStore { enabled.condStore = true }
    var current = Selected(
      mailbox: opening.mailbox, name: place.shown, isReadOnly: readOnly, view: MailboxView(opening.snapshot),
      recent: opening.recent)
    current.rights = place.rights
    current.isOwn = place.isOwn
    selected = current
    writeSelectResponses(current)
  }

  @inline(never)
  private func writeSelectResponses(_ current: Selected) {
    let snapshot = current.view.snapshot
    writeFlagLists(snapshot, isReadOnly: current.isReadOnly)
    out.text("* ")
    out.number(snapshot.messages.count)
    out.text(" EXISTS\r\n")
    writeRecent(current)
    if enabled.rev2 {
      // RFC 9051 section 6.3.2: the name as the server spells it; UNSEEN is gone.
      out.text("* LIST () \"/\" ")
      writeMailbox(current.name)
      out.endLine()
    } else if !enabled.uidOnly, let unseen = snapshot.messages.firstIndex(where: { !$0.flags.contains(.seen) }) {
      untagged("OK", .withText("UNSEEN \(unseen + 1)"), "First unseen message")
    }
    untagged("OK", .withText("UIDVALIDITY \(snapshot.uidValidity)"), "UIDs valid")
    untagged("OK", .withText("UIDNEXT \(snapshot.uidNext)"), "Predicted next UID")
    untagged("OK", .withText("HIGHESTMODSEQ \(snapshot.highestModSeq)"), "Highest mod-sequence")
    untagged("OK", .withText("MAILBOXID (\(snapshot.objectID))"), "Mailbox identity")
  }

  /// FLAGS and PERMANENTFLAGS: what may appear, and what a client may set for good.
  func writeFlagLists(_ snapshot: MailboxSnapshot, isReadOnly: Bool) {
    let keywords = snapshot.keywords.filter { !$0.isEmpty }
    let all = FlagWriter.names.map(\.name).joined(separator: " ") + keywords.map { " \($0)" }.joined()
    out.text("* FLAGS (")
    out.raw(all)
    out.text(")\r\n")
    let permanent = isReadOnly ? "" : permanentFlags(snapshot, keywords)
    untagged("OK", .withText("PERMANENTFLAGS (\(permanent))"), isReadOnly ? "Read-only mailbox" : "Flags permitted")
  }

  /// The flags this user may set for good (RFC 4314 section 4).
  private func permanentFlags(_ snapshot: MailboxSnapshot, _ keywords: [String]) -> String {
    let rights = selected?.rights ?? .all
    var names = FlagWriter.names.filter { rights.flags.contains($0.flag) }.map(\.name)
    if rights.contains(.write) {
      names += keywords
      if snapshot.keywordsLeft > 0 { names.append("\\*") }
    }
    return names.joined(separator: " ")
  }

  func recentCount(_ current: Selected) -> Int {
    current.recent.reduce(0) { sum, range in
      sum + current.view.lowerBound(range.upperBound) - current.view.lowerBound(range.lowerBound)
    }
  }

  /// QRESYNC's answer: what has gone and what has changed since the client was last here (RFC 7162 section 3.2.5.1).
  private func resync(_ resync: SelectArgument.QuickResync) async throws {
    let current = try currentMailbox()
    let snapshot = current.view.snapshot
    guard resync.uidValidity == snapshot.uidValidity else { return }
    let known = resync.knownUIDs.map { $0.ranges(star: 0) } ?? [1...max(1, snapshot.uidNext &- 1)]
    let vanished = try await vanishedUIDs(current.mailbox, since: resync.modSeq, known: known, view: current.view)
    writeVanished(vanished, earlier: true)
    let changed = current.view.messages.indices.filter { index in
      let message = current.view.messages[index]
      return message.modSeq > resync.modSeq && UIDRanges.contains(known, message.uid)
    }
    for index in changed {
      writeFlagUpdate(index, current, uid: true)
      try await sendIfLarge()
    }
  }

  /// UIDs gone since a MODSEQ; where the record does not reach back, all known ones that are not there.
  func vanishedUIDs(
    _ mailbox: Mailbox, since modSeq: UInt64, known: [ClosedRange<UInt32>], view: MailboxView
  ) async throws -> [ClosedRange<UInt32>] {
    let record = try await mailbox.expunged(since: modSeq)
    if record.isComplete {
      let uids = record.uids.filter { UIDRanges.contains(known, $0) && view.index(of: $0) == nil }
      return UIDRanges.ranges(uids)
    }
    return known.flatMap { range in UIDRanges.gaps(in: range, below: view.snapshot.uidNext, view: view) }
  }

  func writeVanished(_ ranges: [ClosedRange<UInt32>], earlier: Bool) {
    guard !ranges.isEmpty else { return }
    out.text(earlier ? "* VANISHED (EARLIER) " : "* VANISHED ")
    for (index, range) in ranges.enumerated() {
      if index > 0 { out.octet(UInt8(ascii: ",")) }
      out.number(range.lowerBound)
      guard range.count > 1 else { continue }
      out.octet(UInt8(ascii: ":"))
      out.number(range.upperBound)
    }
    out.endLine()
  }

  /// CLOSE expunges silently when the mailbox is writable.
  func close(_ tag: [UInt8]) async throws {
    guard let current = selected else { return }
    selected = nil
    if !current.isReadOnly, current.rights.contains(.expunge) { _ = try await current.mailbox.expunge() }
    tagged(tag, "OK", nil, "CLOSE completed")
  }

  func unselect(_ tag: [UInt8]) {
    selected = nil
    tagged(tag, "OK", nil, "UNSELECT completed")
  }

  func currentUser() throws -> User {
    guard let user else { throw Refusal.bad("Log in first") }
    return user
  }

  func currentMailbox() throws -> Selected {
    guard let selected else { throw Refusal.bad("No mailbox is selected") }
    return selected
  }

  /// The selected mailbox, when it was not opened by EXAMINE and its owner allows what is to be done.
  func writableMailbox(_ rights: Rights = []) throws -> Selected {
    let current = try currentMailbox()
    guard !current.isReadOnly else { throw Refusal.no(.noPermission, "Mailbox is opened read-only") }
    guard current.rights.contains(rights) else {
      throw Refusal.no(.noPermission, "The owner of this mailbox has not given you the right to do that")
    }
    return current
  }
}
