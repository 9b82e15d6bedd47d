/// `search-key` (RFC 3501 section 6.4.4, RFC 5032, RFC 7162) as the client wrote it; strings in its charset.
indirect enum SearchKey: Equatable, Sendable {
  /// Which of a message's dates is meant.
  enum DateField: Equatable, Sendable {
    case received
    case sent
    /// SAVEDATE (RFC 8514).
    case saved
  }

  /// How a message's day compares with the given one.
  enum DateRelation: Equatable, Sendable {
    case before
    case on
    case since
  }

  case all
  case system(FlagArgument.System, isSet: Bool)
  case recent
  case old
  case new
  case keyword(String, isSet: Bool)
  /// SUBJECT and HEADER: field name in upper case, and what its text contains.
  case header([UInt8], [UInt8])
  /// BCC, CC, FROM and TO: field name in upper case, and what the envelope's form of it contains.
  case addresses(String, [UInt8])
  case body([UInt8])
  case text([UInt8])
  case date(DateField, DateRelation, DateArgument)
  case larger(UInt64)
  case smaller(UInt64)
  /// OLDER and YOUNGER (RFC 5032), in seconds.
  case older(UInt32)
  case younger(UInt32)
  case uid(SequenceSet)
  case sequence(SequenceSet)
  case modSeq(UInt64)
  /// EMAILID (RFC 8474).
  case emailID([UInt8])
  /// THREADID (RFC 8474).
  case threadID([UInt8])
  case not(SearchKey)
  case or(SearchKey, SearchKey)
  case and([SearchKey])
}

extension SearchKey {
  /// Whether messages are named by number.
  var namesSequence: Bool {
    switch self {
    case .sequence(let set): !set.isSavedResult
    case .not(let key): key.namesSequence
    case .or(let first, let second): first.namesSequence || second.namesSequence
    case .and(let keys): keys.contains(where: \.namesSequence)
    default: false
    }
  }
}

extension ByteCursor {
  /// Search keys up to the end of the command, all of which must hold.
  mutating func searchProgram() throws(GrammarError) -> SearchKey {
    var budget = GrammarLimits.searchKeys
    var keys = [try searchKey(depth: 0, budget: &budget)]
    while takeSpaces() {
      if isAtEnd { break }
      keys.append(try searchKey(depth: 0, budget: &budget))
    }
    try expectEnd()
    return keys.count == 1 ? keys[0] : .and(keys)
  }

  private mutating func searchKey(depth: Int, budget: inout Int) throws(GrammarError) -> SearchKey {
    guard depth < GrammarLimits.depth else { throw .tooDeep }
    budget -= 1
    guard budget >= 0 else { throw GrammarError("Too many search keys") }
    if take(UInt8(ascii: "(")) {
      var keys: [SearchKey] = []
      takeSpaces()
      repeat {
        keys.append(try searchKey(depth: depth + 1, budget: &budget))
      } while takeSpaces() && peek != UInt8(ascii: ")")
      try expect(UInt8(ascii: ")"))
      return keys.count == 1 ? keys[0] : .and(keys)
    }
    if startsSequenceSet { return .sequence(try sequenceSet()) }
    switch try keyword() {
    case "NOT":
      try space()
      return .not(try searchKey(depth: depth + 1, budget: &budget))
    case "OR":
      try space()
      let left = try searchKey(depth: depth + 1, budget: &budget)
      try space()
      return .or(left, try searchKey(depth: depth + 1, budget: &budget))
    case let word:
      if let key = try flagKey(word) { return key }
      if let key = try textKey(word) { return key }
      if let key = try dateKey(word) { return key }
      return try numberKey(word)
    }
  }

  private mutating func flagKey(_ word: String) throws(GrammarError) -> SearchKey? {
    switch word {
    // RFC 8514 section 4.3: every mailbox here has save dates.
    case "ALL", "SAVEDATESUPPORTED": return .all
    case "ANSWERED": return .system(.answered, isSet: true)
    case "DELETED": return .system(.deleted, isSet: true)
    case "DRAFT": return .system(.draft, isSet: true)
    case "FLAGGED": return .system(.flagged, isSet: true)
    case "SEEN": return .system(.seen, isSet: true)
    case "UNANSWERED": return .system(.answered, isSet: false)
    case "UNDELETED": return .system(.deleted, isSet: false)
    case "UNDRAFT": return .system(.draft, isSet: false)
    case "UNFLAGGED": return .system(.flagged, isSet: false)
    case "UNSEEN": return .system(.seen, isSet: false)
    case "RECENT": return .recent
    case "OLD": return .old
    case "NEW": return .new
    case "KEYWORD", "UNKEYWORD":
      try space()
      return .keyword(try flagKeyword(), isSet: word == "KEYWORD")
    default: return nil
    }
  }

  private mutating func textKey(_ word: String) throws(GrammarError) -> SearchKey? {
    switch word {
    case "BCC", "CC", "FROM", "TO":
      try space()
      return .addresses(word, try aString())
    case "SUBJECT":
      try space()
      return .header(Array(word.utf8), try aString())
    case "HEADER":
      try space()
      let name = try headerFieldName()
      try space()
      return .header(name.map(\.asciiUppercased), try aString())
    case "BODY":
      try space()
      return .body(try aString())
    case "TEXT":
      try space()
      return .text(try aString())
    case "EMAILID", "THREADID":
      try space()
      let id = try aString()
      return word == "EMAILID" ? .emailID(id) : .threadID(id)
    default: return nil
    }
  }

  private mutating func dateKey(_ word: String) throws(GrammarError) -> SearchKey? {
    let field: SearchKey.DateField
    let relation: SearchKey.DateRelation
    switch word {
    case "BEFORE": (field, relation) = (.received, .before)
    case "ON": (field, relation) = (.received, .on)
    case "SINCE": (field, relation) = (.received, .since)
    case "SENTBEFORE": (field, relation) = (.sent, .before)
    case "SENTON": (field, relation) = (.sent, .on)
    case "SENTSINCE": (field, relation) = (.sent, .since)
    case "SAVEDBEFORE": (field, relation) = (.saved, .before)
    case "SAVEDON": (field, relation) = (.saved, .on)
    case "SAVEDSINCE": (field, relation) = (.saved, .since)
    default: return nil
    }
    try space()
    return .date(field, relation, try date())
  }

  private mutating func numberKey(_ word: String) throws(GrammarError) -> SearchKey {
    switch word {
    case "LARGER", "SMALLER":
      try space()
      let size = try number64()
      return word == "LARGER" ? .larger(size) : .smaller(size)
    case "OLDER", "YOUNGER":
      try space()
      let seconds = try nonZeroNumber()
      return word == "OLDER" ? .older(seconds) : .younger(seconds)
    case "UID":
      try space()
      return .uid(try sequenceSet())
    case "UIDAFTER", "UIDBEFORE":
      try space()
      return Self.uids(word == "UIDAFTER" ? .after : .before, try nonZeroNumber())
    case "MODSEQ":
      try space()
      if peek == UInt8(ascii: "\"") {
        // The entry name and its scope narrow nothing here: one counter serves all flags (RFC 7162 section 3.1.5).
        _ = try string()
        try space()
        guard ["PRIV", "SHARED", "ALL"].contains(try keyword()) else { throw GrammarError("Unknown entry type") }
        try space()
      }
      return .modSeq(try number64())
    default: throw GrammarError("Unknown search key")
    }
  }

  private enum Side {
    case after
    case before
  }

  /// UIDAFTER and UIDBEFORE (RFC 9738 section 3.2), which unlike `n:*` never name a message on the other side.
  private static func uids(_ side: Side, _ uid: UInt32) -> SearchKey {
    let bounds: (UInt32, UInt32)? =
      switch side {
      case .after: uid == .max ? nil : (uid + 1, .max)
      case .before: uid == 1 ? nil : (1, uid - 1)
      }
    guard let bounds else { return .not(.all) }
    return .uid(SequenceSet(elements: [SequenceSet.Element(first: bounds.0, last: bounds.1)]))
  }
}
