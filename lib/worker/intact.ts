/**
 * Whether the language is as it was when a worker started, as far as its code needs it.
 *
 * Each read stands in a place of its own, as one that always finds the same takes the
 * engine a fraction of a nanosecond: a worker looks after every job.
 *
 * @module
 */

/** `Array.prototype`, and so on. */
export const array = Array.prototype;
export const map = Map.prototype;
export const set = Set.prototype;
export const weakMap = WeakMap.prototype;
export const string = String.prototype;
export const object = Object.prototype;
export const callable = Function.prototype;
export const bytes = Uint8Array.prototype;
export const dataView = DataView.prototype;
export const textEncoder = TextEncoder.prototype;
export const textDecoder = TextDecoder.prototype;
export const typed = Object.getPrototypeOf(bytes) as Uint8Array;
export const arrayIterator = Object.getPrototypeOf(
  [][Symbol.iterator](),
) as Iterator<unknown>;
export const mapIterator = Object.getPrototypeOf(
  new Map().values(),
) as Iterator<unknown>;
export const setIterator = Object.getPrototypeOf(
  new Set().values(),
) as Iterator<unknown>;

const arrayEach = array[Symbol.iterator];
const {
  push: arrayPush,
  pop: arrayPop,
  shift: arrayShift,
  slice: arraySlice,
  map: arrayMap,
  at: arrayAt,
  indexOf: arrayIndexOf,
  join: arrayJoin,
  filter: arrayFilter,
  includes: arrayIncludes,
  some: arraySome,
  every: arrayEvery,
  find: arrayFind,
  forEach: arrayForEach,
  splice: arraySplice,
  unshift: arrayUnshift,
  sort: arraySort,
  fill: arrayFill,
  lastIndexOf: arrayLastIndexOf,
} = array;
const { next: arrayIteratorNext } = arrayIterator;
const { next: mapIteratorNext } = mapIterator;
const mapEach = map[Symbol.iterator];
const {
  get: mapGet,
  set: mapSet,
  has: mapHas,
  delete: mapDelete,
  values: mapValues,
  clear: mapClear,
  forEach: mapForEach,
  keys: mapKeys,
  entries: mapEntries,
} = map;
const setEach = set[Symbol.iterator];
const {
  add: setAdd,
  has: setHas,
  delete: setDelete,
  clear: setClear,
  forEach: setForEach,
  values: setValues,
} = set;
const {
  get: weakMapGet,
  set: weakMapSet,
  has: weakMapHas,
  delete: weakMapDelete,
} = weakMap;
const {
  charCodeAt: stringCharCodeAt,
  slice: stringSlice,
  startsWith: stringStartsWith,
  endsWith: stringEndsWith,
  includes: stringIncludes,
  indexOf: stringIndexOf,
  split: stringSplit,
  replace: stringReplace,
  replaceAll: stringReplaceAll,
  padStart: stringPadStart,
  isWellFormed: stringIsWellFormed,
} = string;
const { fromCharCode: stringFromCharCode } = String;
const { parse: jsonParse, stringify: jsonStringify } = JSON;
const {
  load: atomicsLoad,
  store: atomicsStore,
  notify: atomicsNotify,
  compareExchange: atomicsCompareExchange,
  waitAsync: atomicsWaitAsync,
  add: atomicsAdd,
  sub: atomicsSub,
} = Atomics;
const {
  set: typedSet,
  subarray: typedSubarray,
  slice: typedSlice,
  fill: typedFill,
  copyWithin: typedCopyWithin,
} = typed;
const {
  floor: mathFloor,
  min: mathMin,
  max: mathMax,
  fround: mathFround,
  f16round: mathF16round,
} = Math;
const { resolve: promiseResolve, withResolvers: promiseWithResolvers } =
  Promise;
const {
  encodeInto: textEncoderProtoEncodeInto,
  encode: textEncoderProtoEncode,
} = textEncoder;
const { decode: textDecoderProtoDecode } = textDecoder;
const globalQueueMicrotask = queueMicrotask;
const globalObject = Object;
const globalArray = Array;
const globalMap = Map;
const globalSet = Set;
const globalWeakMap = WeakMap;
const globalWeakSet = WeakSet;
const globalWeakRef = WeakRef;
const globalPromise = Promise;
const globalString = String;
const globalNumber = Number;
const globalBigInt = BigInt;
const globalSymbol = Symbol;
const globalError = Error;
const globalTypeError = TypeError;
const globalRangeError = RangeError;
const globalArrayBuffer = ArrayBuffer;
const globalSharedArrayBuffer = SharedArrayBuffer;
const globalDataView = DataView;
const globalUint8Array = Uint8Array;
const globalUint16Array = Uint16Array;
const globalUint32Array = Uint32Array;
const globalInt32Array = Int32Array;
const globalFloat64Array = Float64Array;
const globalDate = Date;
const globalRegExp = RegExp;
const globalURL = URL;
const globalJSON = JSON;
const globalMath = Math;
const globalAtomics = Atomics;
const globalReflect = Reflect;
const globalPerformance = performance;
const { isArray: arrayIsArray, from: arrayFrom } = Array;
const { next: setIteratorNext } = setIterator;
const { deref: weakRefProtoDeref } = WeakRef.prototype;
const { exec: regExpProtoExec, test: regExpProtoTest } = RegExp.prototype;
const {
  isSafeInteger: numberIsSafeInteger,
  isInteger: numberIsInteger,
  isNaN: numberIsNaN,
  isFinite: numberIsFinite,
} = Number;
const { toString: numberProtoToString } = Number.prototype;
const { toString: bigIntProtoToString } = BigInt.prototype;
const { asIntN: bigIntAsIntN } = BigInt;
const {
  getPrototypeOf: objectGetPrototypeOf,
  getOwnPropertyNames: objectGetOwnPropertyNames,
  getOwnPropertySymbols: objectGetOwnPropertySymbols,
  getOwnPropertyDescriptor: objectGetOwnPropertyDescriptor,
  defineProperty: objectDefineProperty,
  hasOwn: objectHasOwn,
  keys: objectKeys,
  values: objectValues,
  entries: objectEntries,
  fromEntries: objectFromEntries,
  assign: objectAssign,
  create: objectCreate,
  is: objectIs,
  freeze: objectFreeze,
} = Object;
const {
  toString: objectToString,
  propertyIsEnumerable: objectPropertyIsEnumerable,
} = object;
const { ownKeys: reflectOwnKeys, apply: reflectApply } = Reflect;
const { call: functionCall, apply: functionApply, bind: functionBind } =
  callable;
const { isError: errorIsError } = Error;
const { fromHex: uint8ArrayFromHex } = Uint8Array;
const { toHex: bytesToHex } = bytes;
const { isView: arrayBufferIsView } = ArrayBuffer;
const { slice: arrayBufferProtoSlice } = ArrayBuffer.prototype;
const {
  setUint8: viewSetUint8,
  getUint8: viewGetUint8,
  setUint16: viewSetUint16,
  getUint16: viewGetUint16,
  setUint32: viewSetUint32,
  getUint32: viewGetUint32,
  setInt32: viewSetInt32,
  getInt32: viewGetInt32,
  setFloat16: viewSetFloat16,
  getFloat16: viewGetFloat16,
  setFloat32: viewSetFloat32,
  getFloat32: viewGetFloat32,
  setFloat64: viewSetFloat64,
  getFloat64: viewGetFloat64,
} = dataView;
const { now: dateNow } = Date;
const { getTime: dateProtoGetTime } = Date.prototype;
const { now: performanceNow } = performance;

/** The same as dictionaries. */
const inherited = object as Readonly<Record<PropertyKey, unknown>>;
const elements = array as unknown as typeof inherited;

/** A map, a set, memory and views of it: what their getters tell is known. */
const oneKey = new Map([[1, 7]]);
const oneValue = new Set([7]);
export const memory = new ArrayBuffer(16);
export const cells = new Int32Array(new SharedArrayBuffer(4));
export const typedArrays = [
  Uint8Array,
  Int32Array,
  Float32Array,
  Float64Array,
] as const;
const uint8s = new Uint8Array(memory, 8);
const int32s = new Int32Array(memory, 8);
const float32s = new Float32Array(memory, 8);
const float64s = new Float64Array(memory, 8);
const view = new DataView(memory, 8);

/** Whether all that is as it was with which quick items are taken up and their results encoded and written. */
export function isWayOfItemsIntact(): boolean {
  try {
    return array.length === 0 && array.push === arrayPush &&
      dataView.setUint8 === viewSetUint8 &&
      dataView.setUint16 === viewSetUint16 &&
      dataView.setUint32 === viewSetUint32 &&
      dataView.setInt32 === viewSetInt32 &&
      dataView.setFloat16 === viewSetFloat16 &&
      dataView.setFloat32 === viewSetFloat32 &&
      dataView.setFloat64 === viewSetFloat64 &&
      dataView.getFloat64 === viewGetFloat64 &&
      string.charCodeAt === stringCharCodeAt &&
      string.isWellFormed === stringIsWellFormed &&
      String.fromCharCode === stringFromCharCode &&
      Number.isSafeInteger === numberIsSafeInteger && Object.is === objectIs &&
      Math.fround === mathFround && Math.f16round === mathF16round &&
      Math.floor === mathFloor && Math.max === mathMax &&
      textEncoder.encodeInto === textEncoderProtoEncodeInto &&
      bytes.set === typedSet && bytes.subarray === typedSubarray &&
      bytes.copyWithin === typedCopyWithin && uint8s.length === 8 &&
      Uint8Array === globalUint8Array && Uint16Array === globalUint16Array &&
      DataView === globalDataView &&
      Atomics.compareExchange === atomicsCompareExchange;
  } catch {
    return false;
  }
}

/** Whether all of it is as it was; what throws is a name that is gone, or the getter of somebody else. */
export function areIntact(): boolean {
  try {
    return hasNothingMore() && areCollectionsIntact() && isTextIntact() &&
      areBytesIntact() && areObjectsIntact() && isGlobalIntact() &&
      areGettersIntact();
  } catch {
    return false;
  }
}

/** What every object and array would inherit, and mean something to the language. */
export const MEANINGFUL = ["get", "set", "value", "then", "toJSON"] as const;

// Reads are ten times as fast as "in", and what is there is not there to be undefined.
function hasNothingMore(): boolean {
  return array.length === 0 && inherited[0] === undefined &&
    inherited[1] === undefined && inherited.get === undefined &&
    inherited.set === undefined && inherited.value === undefined &&
    inherited.then === undefined && inherited.toJSON === undefined &&
    elements.then === undefined && elements.toJSON === undefined;
}

/** Array, Map, Set and their like. */
function areCollectionsIntact(): boolean {
  return array.push === arrayPush && array.pop === arrayPop &&
    array.shift === arrayShift && array.slice === arraySlice &&
    array.map === arrayMap && array.at === arrayAt &&
    array.indexOf === arrayIndexOf && array[Symbol.iterator] === arrayEach &&
    array.join === arrayJoin && array.filter === arrayFilter &&
    array.includes === arrayIncludes && array.some === arraySome &&
    array.every === arrayEvery && array.find === arrayFind &&
    array.forEach === arrayForEach && array.splice === arraySplice &&
    array.unshift === arrayUnshift && array.sort === arraySort &&
    array.fill === arrayFill && array.lastIndexOf === arrayLastIndexOf &&
    arrayIterator.next === arrayIteratorNext &&
    mapIterator.next === mapIteratorNext && map.get === mapGet &&
    map.set === mapSet && map.has === mapHas && map.delete === mapDelete &&
    map.values === mapValues && map.clear === mapClear &&
    map.forEach === mapForEach && map.keys === mapKeys &&
    map.entries === mapEntries && map[Symbol.iterator] === mapEach &&
    set.add === setAdd && set.has === setHas && set.delete === setDelete &&
    set.clear === setClear && set.forEach === setForEach &&
    set.values === setValues && set[Symbol.iterator] === setEach &&
    setIterator.next === setIteratorNext && weakMap.get === weakMapGet &&
    weakMap.set === weakMapSet && weakMap.has === weakMapHas &&
    weakMap.delete === weakMapDelete &&
    WeakRef.prototype.deref === weakRefProtoDeref &&
    Array.isArray === arrayIsArray && Array.from === arrayFrom;
}

/** Text and numbers. */
function isTextIntact(): boolean {
  return string.charCodeAt === stringCharCodeAt &&
    string.slice === stringSlice && string.startsWith === stringStartsWith &&
    string.endsWith === stringEndsWith && string.includes === stringIncludes &&
    string.indexOf === stringIndexOf && string.split === stringSplit &&
    string.replace === stringReplace &&
    string.replaceAll === stringReplaceAll &&
    string.padStart === stringPadStart &&
    string.isWellFormed === stringIsWellFormed &&
    String.fromCharCode === stringFromCharCode && JSON.parse === jsonParse &&
    JSON.stringify === jsonStringify &&
    RegExp.prototype.exec === regExpProtoExec &&
    RegExp.prototype.test === regExpProtoTest &&
    Number.isSafeInteger === numberIsSafeInteger &&
    Number.isInteger === numberIsInteger && Number.isNaN === numberIsNaN &&
    Number.isFinite === numberIsFinite &&
    Number.prototype.toString === numberProtoToString &&
    BigInt.prototype.toString === bigIntProtoToString &&
    BigInt.asIntN === bigIntAsIntN && Math.floor === mathFloor &&
    Math.min === mathMin && Math.max === mathMax &&
    Math.fround === mathFround && Math.f16round === mathF16round &&
    textEncoder.encodeInto === textEncoderProtoEncodeInto &&
    textEncoder.encode === textEncoderProtoEncode &&
    textDecoder.decode === textDecoderProtoDecode;
}

/** Bytes and memory. */
function areBytesIntact(): boolean {
  return Atomics.load === atomicsLoad && Atomics.store === atomicsStore &&
    Atomics.notify === atomicsNotify &&
    Atomics.compareExchange === atomicsCompareExchange &&
    Atomics.waitAsync === atomicsWaitAsync && Atomics.add === atomicsAdd &&
    Atomics.sub === atomicsSub && typed.set === typedSet &&
    typed.subarray === typedSubarray && typed.slice === typedSlice &&
    typed.fill === typedFill && typed.copyWithin === typedCopyWithin &&
    Uint8Array.fromHex === uint8ArrayFromHex && bytes.toHex === bytesToHex &&
    bytes.set === typedSet && bytes.subarray === typedSubarray &&
    bytes.slice === typedSlice && bytes.fill === typedFill &&
    bytes.copyWithin === typedCopyWithin &&
    ArrayBuffer.isView === arrayBufferIsView &&
    ArrayBuffer.prototype.slice === arrayBufferProtoSlice &&
    dataView.setUint8 === viewSetUint8 && dataView.getUint8 === viewGetUint8 &&
    dataView.setUint16 === viewSetUint16 &&
    dataView.getUint16 === viewGetUint16 &&
    dataView.setUint32 === viewSetUint32 &&
    dataView.getUint32 === viewGetUint32 &&
    dataView.setInt32 === viewSetInt32 && dataView.getInt32 === viewGetInt32 &&
    dataView.setFloat16 === viewSetFloat16 &&
    dataView.getFloat16 === viewGetFloat16 &&
    dataView.setFloat32 === viewSetFloat32 &&
    dataView.getFloat32 === viewGetFloat32 &&
    dataView.setFloat64 === viewSetFloat64 &&
    dataView.getFloat64 === viewGetFloat64;
}

/** Objects and functions. */
function areObjectsIntact(): boolean {
  return Promise.resolve === promiseResolve &&
    Promise.withResolvers === promiseWithResolvers &&
    Object.getPrototypeOf === objectGetPrototypeOf &&
    Object.getOwnPropertyNames === objectGetOwnPropertyNames &&
    Object.getOwnPropertySymbols === objectGetOwnPropertySymbols &&
    Object.getOwnPropertyDescriptor === objectGetOwnPropertyDescriptor &&
    Object.defineProperty === objectDefineProperty &&
    Object.hasOwn === objectHasOwn && Object.keys === objectKeys &&
    Object.values === objectValues && Object.entries === objectEntries &&
    Object.fromEntries === objectFromEntries &&
    Object.assign === objectAssign && Object.create === objectCreate &&
    Object.is === objectIs && Object.freeze === objectFreeze &&
    object.toString === objectToString &&
    object.propertyIsEnumerable === objectPropertyIsEnumerable &&
    Reflect.ownKeys === reflectOwnKeys && Reflect.apply === reflectApply &&
    callable.call === functionCall && callable.apply === functionApply &&
    callable.bind === functionBind && Error.isError === errorIsError &&
    Date.now === dateNow && Date.prototype.getTime === dateProtoGetTime &&
    performance.now === performanceNow;
}

/** The names of classes themselves. */
function isGlobalIntact(): boolean {
  return queueMicrotask === globalQueueMicrotask && Object === globalObject &&
    Array === globalArray && Map === globalMap && Set === globalSet &&
    WeakMap === globalWeakMap && WeakSet === globalWeakSet &&
    WeakRef === globalWeakRef && Promise === globalPromise &&
    String === globalString && Number === globalNumber &&
    BigInt === globalBigInt && Symbol === globalSymbol &&
    Error === globalError && TypeError === globalTypeError &&
    RangeError === globalRangeError && ArrayBuffer === globalArrayBuffer &&
    SharedArrayBuffer === globalSharedArrayBuffer &&
    DataView === globalDataView && Uint8Array === globalUint8Array &&
    Uint16Array === globalUint16Array && Uint32Array === globalUint32Array &&
    Int32Array === globalInt32Array && Float64Array === globalFloat64Array &&
    Date === globalDate && RegExp === globalRegExp && URL === globalURL &&
    JSON === globalJSON && Math === globalMath && Atomics === globalAtomics &&
    Reflect === globalReflect && performance === globalPerformance;
}

function areGettersIntact(): boolean {
  return oneKey.size === 1 && oneValue.size === 1 && memory.byteLength === 16 &&
    cells.buffer.byteLength === 4 && view.buffer === memory &&
    view.byteOffset === 8 && view.byteLength === 8 &&
    uint8s.buffer === memory && uint8s.byteOffset === 8 &&
    uint8s.byteLength === 8 && uint8s.length === 8 &&
    int32s.buffer === memory && int32s.byteOffset === 8 &&
    int32s.byteLength === 8 && int32s.length === 2 &&
    float32s.buffer === memory && float32s.byteOffset === 8 &&
    float32s.byteLength === 8 && float32s.length === 2 &&
    float64s.buffer === memory && float64s.byteOffset === 8 &&
    float64s.byteLength === 8 && float64s.length === 1;
}
