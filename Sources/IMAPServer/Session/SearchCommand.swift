import MailStore
import MailSyntax

/// SEARCH and UID SEARCH (RFC 3501 section 6.4.4, RFC 4731, RFC 5182).
extension IMAPSession {
  func search(_ argument: SearchArgument, uid: Bool, _ tag: [UInt8]) async throws {
    // RFC 6855 section 3: strings are UTF-8 by then.
    guard !enabled.utf8 || argument.charset == nil else { throw Refusal.bad("CHARSET has no place under UTF8=ACCEPT") }
    if argument.results?.contains(.save) == true { selected?.savedResult = [] }
    let (hits, cutAt) = try await hits(argument, tag)
    let current = try currentMailbox()
    // RFC 9051 section 6.4.4: a client of IMAP4rev2 gets ESEARCH responses only.
    if let results = argument.results ?? (enabled.rev2 ? [.all] : nil) {
      writeExtended(hits, results, argument, current.view, uid: uid, tag)
      save(hits, results, argument.partial, current)
      follow(hits, argument, uid: uid, tag, isWhole: cutAt == nil)
    } else {
      out.text("* SEARCH")
      // RFC 9738 section 3.1: a command that is cut short goes from the highest UID down.
      for position in cutAt == nil ? hits : hits.reversed() {
        out.space()
        out.number(uid ? current.view.messages[position].uid : UInt32(clamping: position + 1))
        try await sendIfLarge()
      }
      if argument.key.asksModSeq, let highest = highestModSeq(hits, current.view) {
        out.text(" (MODSEQ ")
        out.number(highest)
        out.octet(UInt8(ascii: ")"))
      }
      out.endLine()
    }
    try await syncUnlessPipelined(allowExpunge: uid)
    tagged(
      tag, "OK", current.view.holdsVanished ? .expungeIssued : nil, "SEARCH completed", cutAt: cutAt)
  }

  /// The positions that satisfy a search, in the view as it is afterwards.
  ///
  /// - Returns: also the lowest UID looked at, when there were too many.
  func hits(_ argument: SearchArgument, _ tag: [UInt8]) async throws -> (positions: [Int], cutAt: UInt32?) {
    if argument.key.asksModSeq { enableCondStore() }
    var current = try currentMailbox()
    if argument.key.needsMeasure, current.view.messages.contains(where: { !$0.isMeasured }) {
      try await tell(try await current.mailbox.measuredSnapshot(), allowExpunge: false)
      current = try currentMailbox()
    }
    let (positions, cutAt) = try searched(argument.key, current)
    return (try await evaluator(argument, current, tag).matches(argument.key, among: positions), cutAt)
  }

  /// What decides a search in a mailbox.
  ///
  /// - Parameter work: shared by the mailboxes of one command.
  func evaluator(
    _ argument: SearchArgument, _ current: Selected, _ tag: [UInt8], _ work: SearchWork? = nil
  ) throws -> SearchEvaluator {
    guard let decode = SearchCharset.decoder(argument.charset ?? "UTF-8") else {
      throw Refusal.no(.badCharset, "Unknown charset")
    }
    return SearchEvaluator(
      view: current.view, mailbox: current.mailbox, recent: current.recent, saved: current.savedResult,
      now: service.time.now, decode: decode, work: work ?? SearchWork(limits.searchedTexts), piece: limits.searchPiece,
      progress: progress(tag))
  }

  /// `* ESEARCH (TAG …) …`; also for SORT (RFC 5267), whose hits come in sorted order.
  ///
  /// - Parameter name: told with its UIDVALIDITY in answer to ESEARCH (RFC 7377 section 2.1).
  func writeExtended(
    _ hits: [Int], _ results: Set<SearchArgument.Result>, _ argument: SearchArgument, _ view: MailboxView, uid: Bool,
    _ tag: [UInt8], in name: MailboxName? = nil
  ) {
    let number = { (position: Int) -> UInt32 in
      uid ? view.messages[position].uid : UInt32(clamping: position + 1)
    }
    // RFC 5182 section 2.1: SAVE alone brings no ESEARCH response.
    guard results != [.save] else { return }
    out.text("* ESEARCH (TAG ")
    out.string(tag)
    if let name {
      out.text(" MAILBOX ")
      writeMailbox(name)
      out.text(" UIDVALIDITY ")
      out.number(view.snapshot.uidValidity)
    }
    out.text(uid ? ") UID" : ")")
    if let first = hits.first, let last = hits.last {
      if results.contains(.min) {
        out.text(" MIN ")
        out.number(number(first))
      }
      if results.contains(.max) {
        out.text(" MAX ")
        out.number(number(last))
      }
      if results.contains(.all) {
        out.text(" ALL ")
        out.numberSet(hits.lazy.map(number))
      }
    }
    if let partial = argument.partial {
      // RFC 9394 section 3.1: the window comes back as it was asked for, empty as NIL.
      out.text(" PARTIAL (")
      out.raw(partial.description)
      out.space()
      let window = hits[partial.places(of: hits.count)]
      if window.isEmpty { out.text("NIL") } else { out.numberSet(window.lazy.map(number)) }
      out.octet(UInt8(ascii: ")"))
    }
    if results.contains(.count) {
      out.text(" COUNT ")
      out.number(hits.count)
    }
    if argument.key.asksModSeq, let highest = modSeq(hits, results, argument.partial, view) {
      out.text(" MODSEQ ")
      out.number(highest)
    }
    out.endLine()
  }

  /// Which MODSEQ goes with an ESEARCH response (RFC 4731 section 3.2): that of what is returned.
  private func modSeq(
    _ hits: [Int], _ results: Set<SearchArgument.Result>, _ partial: ResultRange?, _ view: MailboxView
  ) -> UInt64? {
    guard !results.contains(.all), !results.contains(.count) else { return highestModSeq(hits, view) }
    var named = partial.map { Array(hits[$0.places(of: hits.count)]) } ?? []
    if results.contains(.min), let first = hits.first { named.append(first) }
    if results.contains(.max), let last = hits.last { named.append(last) }
    return highestModSeq(named, view)
  }

  private func highestModSeq(_ hits: [Int], _ view: MailboxView) -> UInt64? {
    hits.lazy.map { view.messages[$0].modSeq }.max()
  }

  /// RFC 5182 section 2.4: with only MIN and MAX asked for, only those are saved.
  ///
  /// RFC 9394 section 3.2: a window alone saves what is in it.
  func save(_ hits: [Int], _ results: Set<SearchArgument.Result>, _ partial: ResultRange?, _ current: Selected) {
    guard results.contains(.save) else { return }
    var kept = hits
    if !results.contains(.all), !results.contains(.count), !results.isDisjoint(with: [.min, .max, .partial]) {
      kept = partial.map { Array(hits[$0.places(of: hits.count)]) } ?? []
      if results.contains(.min), let first = hits.first { kept.append(first) }
      if results.contains(.max), let last = hits.last { kept.append(last) }
    }
    selected?.savedResult = Set(kept).map { current.view.messages[$0].uid }.sorted()
  }
}
